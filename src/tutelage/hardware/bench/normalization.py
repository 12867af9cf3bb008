"""Layers that bring numbers to mean 0 and spread 1: over a batch, over the channels of a row, over groups of them."""

from collections.abc import Iterator
from typing import Literal

import torch

from tutelage.hardware.bench.base import Benchmark, Case, Prepared, called, dtypes_of, name_of

__all__ = ["Normalization"]

IMAGES = ((16, 32, 16), (128, 16, 28), (128, 64, 8), (64, 128, 4), (256, 64, 1))
"""B, C and the width of an image."""
ROWS = ((256, 64), (1024, 128), (8192, 128), (2048, 512))
"""Rows and the numbers of each."""
EPS = 1e-5


class Normalization(Benchmark):
    """Batch normalization and layer normalization."""

    kind: Literal["normalization"] = "normalization"

    def cases(self, device: torch.device) -> Iterator[Case]:
        """Yield both in each precision."""
        for dtype in dtypes_of(device):
            for sizes in IMAGES:
                for is_channels_last in (False, True):
                    yield from _over_batch(sizes, (device, dtype), is_channels_last=is_channels_last)
            for rows, width in ROWS:
                yield from _over_row(rows, width, (device, dtype))


def _over_batch(
    sizes: tuple[int, int, int], place: tuple[torch.device, torch.dtype], *, is_channels_last: bool
) -> Iterator[Case]:
    """Yield both ways of a batch normalization while training."""
    batch, channels, width = sizes
    device, dtype = place

    def image() -> torch.Tensor:
        layout = torch.channels_last if is_channels_last else torch.contiguous_format
        drawn = torch.randn(batch, channels, width, width, device=device).to(dtype)
        return drawn.contiguous(memory_format=layout)

    def settings(count: int) -> list[torch.Tensor]:
        # Weights stay in full precision where the rest is computed in half of it.
        return [torch.ones(channels, device=device) for _ in range(count)]

    def forward() -> Prepared:
        return called("native_batch_norm", image(), *settings(4), True, 0.1, EPS)

    def backward() -> Prepared:
        weight, mean, variance, kept_mean, kept_spread = settings(5)
        words = [weight, mean, variance, kept_mean, kept_spread, True, EPS, [True, True, True]]
        return called("native_batch_norm_backward", image(), image(), *words)

    shown = f"{batch} x {channels} x {width} x {width}{', channels last' if is_channels_last else ''}"
    count = float(batch * channels * width**2)
    yield Case("native_batch_norm", "normalization", name_of(dtype), shown, 8 * count, forward)
    yield Case("native_batch_norm_backward", "normalization", name_of(dtype), shown, 12 * count, backward, phase="backward")


def _over_row(rows: int, width: int, place: tuple[torch.device, torch.dtype]) -> Iterator[Case]:
    """Yield both ways of a layer normalization."""
    device, dtype = place

    def forward() -> Prepared:
        weight, bias = (torch.ones(width, device=device, dtype=dtype) for _ in range(2))
        return called("native_layer_norm", torch.randn(rows, width, device=device).to(dtype), [width], weight, bias, EPS)

    def backward() -> Prepared:
        x, slope = (torch.randn(rows, width, device=device).to(dtype) for _ in range(2))
        weight, bias = (torch.ones(width, device=device, dtype=dtype) for _ in range(2))
        mean, spread = (torch.ones(rows, 1, device=device) for _ in range(2))
        kept = [each.to(dtype) if device.type == "cpu" else each for each in (mean, spread)]
        return called("native_layer_norm_backward", slope, x, [width], *kept, weight, bias, [True, True, True])

    count, shown = float(rows * width), f"{rows} x {width}"
    yield Case("native_layer_norm", "normalization", name_of(dtype), shown, 8 * count, forward)
    yield Case("native_layer_norm_backward", "normalization", name_of(dtype), shown, 12 * count, backward, phase="backward")
