"""Numbers that only move: to another precision, to another order in memory, side by side."""

from collections.abc import Callable, Iterator
from typing import Literal

import torch
from torch import Tensor

from tutelage.hardware.bench.base import Benchmark, Case, Prepared, called

__all__ = ["Copy"]

SHAPES = {
    "cpu": ((4, 16), (64, 64), (256, 256), (1024, 1024), (4096, 1024)),
    "cuda": ((4, 16), (256, 256), (1024, 1024), (8192, 8192)),
}
TO_HALF, TO_WHOLE = {"dtype": torch.bfloat16}, {"dtype": torch.float32}
IN_ORDER = {"memory_format": torch.contiguous_format}

WAYS: tuple[tuple[str, str, Callable[[Tensor], Prepared]], ...] = (
    ("_to_copy", "bfloat16", lambda x: called("_to_copy", x, **TO_HALF)),
    ("_to_copy", "float32", lambda x: called("_to_copy", x.to(torch.bfloat16), **TO_WHOLE)),
    ("clone", "float32", lambda x: called("clone", x)),
    ("clone_transposed", "float32", lambda x: called("clone", x.t(), **IN_ORDER)),
    ("copy_", "float32", lambda x: called("copy_", x, x.clone())),
    ("cat", "float32", lambda x: called("cat", [x, x.clone()])),
)


class Copy(Benchmark):
    """Casts, transposed copies and joins."""

    kind: Literal["copy"] = "copy"

    def cases(self, device: torch.device) -> Iterator[Case]:
        """Yield each at several sizes."""
        for shape in SHAPES[device.type]:
            for op, dtype, way in WAYS:
                yield _case(op, dtype, way, shape=shape, device=device)


def _case(op: str, dtype: str, way: Callable[[Tensor], Prepared], *, shape: tuple[int, int], device: torch.device) -> Case:
    """Return one way of one matrix."""
    return Case(op, "copy", dtype, f"{shape[0]} x {shape[1]}", 0.0, lambda: way(torch.randn(*shape, device=device)))
