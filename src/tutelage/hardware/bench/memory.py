"""How fast memory is read and written, from the caches to the main memory."""

from collections.abc import Iterator
from typing import Literal

import torch

from tutelage.hardware.bench.base import Benchmark, Case, Prepared

__all__ = ["Memory"]

SIZES = {"cpu": tuple(2**power for power in range(14, 28, 2)), "cuda": tuple(2**power for power in range(18, 32, 2))}
"""Bytes of each of the three arrays."""


class Memory(Benchmark):
    """a = b + s c over arrays of many sizes (McCalpin's triad), and the sum of one."""

    kind: Literal["memory"] = "memory"

    def cases(self, device: torch.device) -> Iterator[Case]:
        """Yield the triad and a sum at each size."""
        for size in SIZES[device.type]:
            count = size // 4

            def triad(count: int = count) -> Prepared:
                a, b, c = (torch.ones(count, device=device) for _ in range(3))
                return Prepared(lambda: torch.add(b, c, alpha=3.0, out=a), 12.0 * count)

            def total(count: int = count) -> Prepared:
                a, out = torch.ones(count, device=device), torch.zeros((), device=device)
                return Prepared(lambda: torch.sum(a, dim=0, out=out), 4.0 * count)

            yield Case("triad", "memory", "float32", f"3 x {size:,} bytes", 2.0 * count, triad)
            yield Case("sum_all", "memory", "float32", f"{size:,} bytes", 1.0 * count, total)
