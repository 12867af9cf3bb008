"""Sums over processes, as gradients are exchanged, by size; only where several processes train together."""

from collections.abc import Iterator
from typing import Literal

import torch
from torch import distributed

from tutelage.hardware.bench.base import Benchmark, Case, Prepared

__all__ = ["AllReduce"]

SIZES = tuple(2**power for power in range(10, 28, 3))
"""Bytes in each process."""


class AllReduce(Benchmark):
    """The way of gradients between processes."""

    kind: Literal["all_reduce"] = "all_reduce"

    def cases(self, device: torch.device) -> Iterator[Case]:
        """Yield sums of several sizes, none in a process that is alone."""
        if not (distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1):
            return
        for size in SIZES:

            def make(size: int = size) -> Prepared:
                summand = torch.zeros(size // 4, device=device)
                return Prepared(lambda: distributed.all_reduce(summand), size)

            yield Case("all_reduce", "communication", "float32", f"{size:,} bytes", size / 4, make)
