"""Rows of a table by their numbers, as words and categories are looked up, alone or as means, and the gradients of the table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from tutelage.hardware.bench.base import Benchmark, Case, Phase, Prepared, called

__all__ = ["Embedding"]

SIZES = ((256, 128, 16 * 64), (65, 128, 64 * 128), (8192, 64, 64 * 128), (16, 8, 512), (30_000, 128, 32 * 256))
"""Rows of the table, numbers of each, and how many are looked up."""
BAG = 8
"""Rows in a mean."""


@dataclass(frozen=True, slots=True)
class _Lookup:
    """Rows that are looked up.

    Attributes:
        entries: Rows of the table.
        width: Numbers of each.
        count: Rows looked up.
        device: Where.
    """

    entries: int
    width: int
    count: int
    device: torch.device

    def rows(self, count: int) -> Tensor:
        """Return random rows."""
        return torch.randn(count, self.width, device=self.device)

    def places(self) -> Tensor:
        """Return which rows."""
        return torch.randint(self.entries, (self.count,), device=self.device)

    def starts(self) -> Tensor:
        """Return where each bag begins."""
        return torch.arange(0, self.count, BAG, device=self.device)

    @property
    def touched_bytes(self) -> float:
        """What is read and written: the rows looked up, not the table."""
        return 8.0 * self.width * self.count + 8.0 * self.count


def _look_up(lookup: _Lookup) -> Prepared:
    return Prepared(called("embedding", lookup.rows(lookup.entries), lookup.places()).run, lookup.touched_bytes)


def _gather(lookup: _Lookup) -> Prepared:
    return Prepared(called("index.Tensor", lookup.rows(lookup.entries), [lookup.places()]).run, lookup.touched_bytes)


def _slope(lookup: _Lookup) -> Prepared:
    return called("embedding_dense_backward", lookup.rows(lookup.count), lookup.places(), lookup.entries, -1, False)


def _bags(lookup: _Lookup) -> Prepared:
    return called("_embedding_bag", lookup.rows(lookup.entries), lookup.places(), lookup.starts(), False, 1)


def _bags_slope(lookup: _Lookup) -> Prepared:
    at, starts = lookup.places(), lookup.starts()
    means, *kept = torch.ops.aten._embedding_bag.default(lookup.rows(lookup.entries), at, starts, False, 1)
    return called("_embedding_bag_backward", means, at, starts, *kept, lookup.entries, False, 1, False, None)


WAYS: tuple[tuple[str, Phase, Callable[[_Lookup], Prepared]], ...] = (
    ("embedding", "forward", _look_up),
    ("index", "forward", _gather),
    ("embedding_dense_backward", "backward", _slope),
    ("_embedding_bag", "forward", _bags),
    ("_embedding_bag_backward", "backward", _bags_slope),
)


class Embedding(Benchmark):
    """Lookups in tables of vectors."""

    kind: Literal["embedding"] = "embedding"

    def cases(self, device: torch.device) -> Iterator[Case]:
        """Yield lookups and their gradients."""
        for entries, width, count in SIZES:
            lookup = _Lookup(entries, width, count, device)
            for op, phase, way in WAYS:
                shown = f"{count:,} of {entries:,} x {width}"
                yield Case(op, "embedding", "float32", shown, 0.0, partial(way, lookup), phase=phase)
