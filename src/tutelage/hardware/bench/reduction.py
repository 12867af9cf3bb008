"""Many numbers to few: sums, means, softmax, pooling of images, and their gradients."""

from collections.abc import Iterator
from typing import Any, Literal

import torch
from torch import Tensor

from tutelage.hardware.bench.base import Benchmark, Case, Phase, Prepared, base_name, called, dtypes_of, name_of

__all__ = ["Reduction"]

ROWS = ((64, 10), (1024, 6), (1024, 65), (256, 512), (8192, 128))
"""Rows and the numbers of each."""
IMAGES = ((16, 32, 16), (128, 32, 28), (64, 64, 8))
"""B, C and the width of an image."""
OF_LINES: list[Any] = [[1, 3], [1, 1], [0, 1], [1, 1], False]
"""Over a series: 3 wide, one step at a time."""
POOLED: list[Any] = [[2, 2], [2, 2], [0, 0], [1, 1], False]


class Reduction(Benchmark):
    """What makes summaries."""

    kind: Literal["reduction"] = "reduction"

    def cases(self, device: torch.device) -> Iterator[Case]:
        """Yield sums over rows and columns, softmax and pooling."""
        for rows, width in ROWS:
            yield from _of_rows(rows, width, device)
        for dtype in dtypes_of(device):
            for sizes in IMAGES:
                for is_channels_last in (False, True):
                    yield from _pooling(sizes, (device, dtype), is_channels_last=is_channels_last)


def _of_rows(rows: int, width: int, device: torch.device) -> Iterator[Case]:
    """Yield what is done with a matrix."""
    count = float(rows * width)

    def matrix() -> Tensor:
        return torch.randn(rows, width, device=device)

    def target() -> Tensor:
        return torch.randint(width, (rows,), device=device)

    def slopes() -> list[Any]:
        return [matrix(), matrix(), 1, torch.float32]

    def loss_slope() -> Prepared:
        one = torch.ones((), device=device)
        return called("nll_loss_backward", one, matrix(), target(), None, 2, -100, one * rows)

    makers: tuple[tuple[str, Phase, Any], ...] = (
        ("sum.dim_IntList", "backward", lambda: called("sum.dim_IntList", matrix(), [0], True)),
        ("mean.dim", "forward", lambda: called("mean.dim", matrix(), [1])),
        ("sum", "forward", lambda: called("sum", matrix())),
        ("sum.dim_IntList", "forward", lambda: called("sum.dim_IntList", matrix() > 0, [0])),
        ("linalg_vector_norm", "forward", lambda: called("linalg_vector_norm", matrix(), 2.0, [0, 1], True)),
        ("amax", "forward", lambda: called("amax", matrix(), [1])),
        ("argmax", "forward", lambda: called("argmax", matrix(), 1)),
        ("_softmax", "forward", lambda: called("_softmax", matrix(), 1, False)),
        ("_softmax_backward_data", "backward", lambda: called("_softmax_backward_data", *slopes())),
        ("_log_softmax", "forward", lambda: called("_log_softmax", matrix(), 1, False)),
        ("_log_softmax_backward_data", "backward", lambda: called("_log_softmax_backward_data", *slopes())),
        ("nll_loss_forward", "forward", lambda: called("nll_loss_forward", matrix(), target(), None, 2, -100)),
        ("nll_loss_backward", "backward", loss_slope),
        ("cumsum", "forward", lambda: called("cumsum", matrix(), 1)),
        ("sort", "forward", lambda: called("sort", matrix(), 1)),
    )  # fmt: skip
    for op, phase, make in makers:
        yield Case(base_name(op), "reduction", "float32", f"{rows} x {width}", 2 * count, make, phase=phase)


def _pooling(sizes: tuple[int, int, int], place: tuple[torch.device, torch.dtype], *, is_channels_last: bool) -> Iterator[Case]:
    """Yield the pooling of images by 2 x 2, and their mean, both ways."""
    batch, channels, width = sizes
    device, dtype = place

    def image(size: int = width) -> Tensor:
        layout = torch.channels_last if is_channels_last else torch.contiguous_format
        drawn = torch.randn(batch, channels, size, size, device=device).to(dtype)
        return drawn.contiguous(memory_format=layout)

    def line() -> Tensor:
        return image().reshape(batch, channels, 1, width * width).contiguous(memory_format=torch.channels_last)

    def most_slope() -> Prepared:
        x = image()
        made, at = torch.ops.aten.max_pool2d_with_indices.default(x, *POOLED)
        return called("max_pool2d_with_indices_backward", made, x, *POOLED, at)

    shown = f"{batch} x {channels} x {width} x {width}{', channels last' if is_channels_last else ''}"
    count = float(batch * channels * width**2)
    mean = [[2, 2], [2, 2], [0, 0], False, True, None]
    makers: tuple[tuple[str, Phase, Any], ...] = (
        ("max_pool2d_with_indices", "forward", lambda: called("max_pool2d_with_indices", image(), *POOLED)),
        ("max_pool2d_with_indices_backward", "backward", most_slope),
        ("max_pool2d_with_indices", "forward", lambda: called("max_pool2d_with_indices", line(), *OF_LINES)),
        ("avg_pool2d", "forward", lambda: called("avg_pool2d", image(), *mean)),
        ("avg_pool2d_backward", "backward", lambda: called("avg_pool2d_backward", image(width // 2), image(), *mean)),
        ("mean.dim", "forward", lambda: called("mean.dim", image(), [2, 3], True)),
    )  # fmt: skip
    for op, phase, make in makers:
        yield Case(base_name(op), "reduction", name_of(dtype), shown, count, make, phase=phase)
