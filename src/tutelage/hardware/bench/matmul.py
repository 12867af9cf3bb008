"""Matrix products: square, skinny as in a linear layer and its gradients, and in batches as in attention."""

from collections.abc import Iterator
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from tutelage.hardware.bench.base import Benchmark, Case, Prepared, called, dtypes_of, name_of

__all__ = ["Matmul"]

SQUARES = (32, 64, 128, 256, 512, 1024)
LAYERS = ((64, 64), (11, 64), (64, 6), (128, 512), (512, 128), (256, 256), (784, 128))
"""Inputs and outputs of linear layers."""
ROWS = (16, 64, 256, 1024, 4096)
BATCHES = (
    (64, 32, 32, 32),
    (256, 64, 16, 64),
    (128, 128, 32, 128),
    (128, 128, 128, 32),
    (16, 256, 64, 256),
    (16, 64, 64, 6),
    (16, 256, 256, 1),
    (16, 64, 6, 64),
    (1, 48, 432, 48),
    (1, 128, 1152, 128),
    (2, 256, 256, 256),
)
"""As in attention, in ensembles, and in updates of whole matrices (Muon)."""
MOST_FLOPS = {"cpu": 6e8, "cuda": 3e11}
"""Of one call: a few hundredths of a second on a slow processor."""
LARGE_SQUARES = (2048, 4096, 8192)


class Matmul(Benchmark):
    """The work that most of deep learning consists of."""

    kind: Literal["matmul"] = "matmul"

    def cases(self, device: torch.device) -> Iterator[Case]:
        """Yield products in each precision, by size and by layout."""
        for dtype in dtypes_of(device):
            squares = SQUARES if device.type == "cpu" else SQUARES + LARGE_SQUARES
            for size in squares:
                yield _product("mm", size, size, size, layout="NN", place=(device, dtype))
            for inner, columns in LAYERS:
                for rows in ROWS:
                    if 2.0 * rows * inner * columns > MOST_FLOPS[device.type]:
                        continue
                    # A layer's outputs, and the gradients of its inputs and of its weights.
                    yield _product("addmm", rows, inner, columns, layout="NT", place=(device, dtype))
                    yield _product("mm", rows, columns, inner, layout="NN", place=(device, dtype))
                    yield _product("mm", columns, rows, inner, layout="TN", place=(device, dtype))
            for batch, rows, inner, columns in BATCHES:
                yield _batch(batch, rows, inner, columns, place=(device, dtype))


def _product(op: str, rows: int, inner: int, columns: int, *, layout: str, place: tuple[torch.device, torch.dtype]) -> Case:
    """Return a product [M, K] x [K, N]; a T says that a factor lies transposed in memory."""
    phase: Literal["forward", "backward"] = "forward" if op == "addmm" or rows == inner == columns else "backward"

    def make() -> Prepared:
        left = _matrix(rows, inner, is_transposed=layout[0] == "T", place=place)
        right = _matrix(inner, columns, is_transposed=layout[1] == "T", place=place)
        bias = [torch.zeros(columns, device=place[0], dtype=place[1])] if op == "addmm" else []
        return called(op, *bias, left, right)

    flops, sizes = 2.0 * rows * inner * columns, f"{rows} x {inner} x {columns} {layout}"
    return Case(op, "matmul", name_of(place[1]), sizes, flops, make, phase=phase, dims=(1, rows, inner, columns))


def _batch(batch: int, rows: int, inner: int, columns: int, *, place: tuple[torch.device, torch.dtype]) -> Case:
    """Return several products at once."""
    device, dtype = place

    def make() -> Prepared:
        left = torch.randn(batch, rows, inner, device=device).to(dtype)
        return called("bmm", left, torch.randn(batch, inner, columns, device=device).to(dtype))

    flops = 2.0 * batch * rows * inner * columns
    dims = (batch, rows, inner, columns)
    return Case("bmm", "matmul", name_of(dtype), " x ".join(map(str, dims)), flops, make, dims=dims)


def _matrix(rows: int, columns: int, *, is_transposed: bool, place: tuple[torch.device, torch.dtype]) -> Tensor:
    """Return random numbers [rows, columns]."""
    draw = partial(torch.randn, device=place[0])
    matrix: Tensor = draw(columns, rows).to(place[1]).t() if is_transposed else draw(rows, columns).to(place[1])
    return matrix
