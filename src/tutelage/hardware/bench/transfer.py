"""Copies between the machine's memory and a card's: from memory that stays in place (pinned) and from any."""

from collections.abc import Iterator
from typing import Literal

import torch

from tutelage.hardware.bench.base import Benchmark, Case, Prepared

__all__ = ["Transfer"]

SIZES = tuple(2**power for power in range(12, 29, 4))
"""Bytes."""


class Transfer(Benchmark):
    """The way of each batch to a graphics card."""

    kind: Literal["transfer"] = "transfer"

    def cases(self, device: torch.device) -> Iterator[Case]:
        """Yield copies of several sizes, none where batches stay where they are."""
        if device.type != "cuda":
            return
        for size in SIZES:
            for way in ("pinned", "pageable", "back"):

                def make(size: int = size, way: str = way) -> Prepared:
                    here = torch.ones(size, dtype=torch.uint8, pin_memory=way == "pinned")
                    there = torch.ones(size, dtype=torch.uint8, device=device)
                    if way == "back":
                        return Prepared(lambda: here.copy_(there), size)
                    return Prepared(lambda: there.copy_(here, non_blocking=True), size)

                yield Case(f"transfer_{way}", "transfer", "uint8", f"{size:,} bytes", 0.0, make)
