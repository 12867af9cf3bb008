"""Measured series, one a row, with their labels."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from tutelage.data.part.base import RowsPart, select_fingerprint
from tutelage.data.part.drawing import draw_lines

__all__ = ["SeriesPart", "as_objects", "interpolated"]

EXAMPLE_CLASSES, EXAMPLES_PER_CLASS = 12, 2


@dataclass(frozen=True)
class SeriesPart(RowsPart):
    """Series as read.

    Attributes:
        name: `train`, `test` or `input`.
        series: object [N] of float64 [T, C]; T may differ from row to row; NaN where a value is missing.
        labels: One label a series (str or number), or None where there are none.
        names: object [N] of str: each series as people know it, such as `GunPoint_TRAIN.ts line 14`.
        fingerprint: Hash of values and labels.
        target: What the labels are called.
        reading: Settings of the source by which other files are read alike, where it has such.
    """

    kind: ClassVar[str] = "series"
    suits: ClassVar[str] = "series"
    can_be_made: ClassVar[bool] = False
    name: str
    series: np.ndarray
    labels: np.ndarray | None
    names: np.ndarray
    fingerprint: str
    target: str = ""
    reading: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.series)

    @property
    def channels(self) -> int:
        """Values at a time, of the first series; 0 where there is none."""
        return int(self.series[0].shape[1]) if len(self) else 0

    @cached_property
    def lengths(self) -> np.ndarray:
        """Times of each series, int64 [N]."""
        return np.array([len(values_TC) for values_TC in self.series], dtype=np.int64)

    def locate(self, index: int) -> str:
        """Name one series."""
        return str(self.names[index])

    def select(self, indices: np.ndarray) -> "SeriesPart":
        """Return the series at `indices`, in that order."""
        return replace(
            self,
            series=self.series[indices],
            labels=None if self.labels is None else self.labels[indices],
            names=self.names[indices],
            fingerprint=select_fingerprint(self.fingerprint, indices),
        )

    def joined(self, other: "SeriesPart") -> "SeriesPart":
        """Return these series, and those of another part after them."""
        labels = None if self.labels is None or other.labels is None else np.concatenate([self.labels, other.labels])
        return replace(
            self,
            series=np.concatenate([self.series, other.series]),
            labels=labels,
            names=np.concatenate([self.names, other.names]),
            fingerprint=f"{self.fingerprint}+{other.fingerprint}",
        )

    def renamed(self, name: str) -> "SeriesPart":
        """Return the same series under another name."""
        return replace(self, name=name)

    def show(self, index: int) -> dict[str, Any]:
        """Return one series as a drawing."""
        return {"png": draw_lines(self.series[index])}

    def summary(self, examples: Mapping[str, Sequence[int]]) -> dict[str, Any]:
        """Return how long the series are, what is missing, and a few drawings of each class."""
        shortest, longest = int(self.lengths.min()), int(self.lengths.max())
        missing = sum(int(np.isnan(values_TC).sum()) for values_TC in self.series)
        facts = {
            "times in a series": f"{longest:,}" if shortest == longest else f"{shortest:,} to {longest:,}",
            "values at a time": f"{self.channels:,}",
            **({"missing values": f"{missing:,}"} if missing else {}),
        }
        shown = [
            {"label": name, **self.show(int(row))}
            for name, rows in list(examples.items())[:EXAMPLE_CLASSES]
            for row in rows[:EXAMPLES_PER_CLASS]
        ]
        return {"facts": facts} | ({"thumbnails": shown} if shown else {})

    def row_digests(self) -> list[bytes]:
        """Return a hash of each series, by which the checks find equal ones."""
        return [hashlib.sha256(repr(values_TC.shape).encode() + values_TC.tobytes()).digest() for values_TC in self.series]


def as_objects(values: Sequence[object]) -> np.ndarray:
    """Return values, arrays of equal sizes among them, as an array of objects, [N]."""
    held = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        held[place] = value
    return held


def interpolated(values_TC: np.ndarray, fallback_C: np.ndarray) -> np.ndarray:
    """Return a series without gaps: each is on the straight line between its neighbors in time, and level at the ends.

    Args:
        values_TC: NaN where a value is missing.
        fallback_C: Stands in a channel that has no value at all.
    """
    is_missing_TC = np.isnan(values_TC)
    if not is_missing_TC.any():
        return values_TC
    filled_TC = values_TC.copy()
    times = np.arange(len(values_TC))
    for channel in np.flatnonzero(is_missing_TC.any(axis=0)):
        is_missing_T = is_missing_TC[:, channel]
        if is_missing_T.all():
            filled_TC[:, channel] = fallback_C[channel]
        else:
            known = ~is_missing_T
            filled_TC[is_missing_T, channel] = np.interp(times[is_missing_T], times[known], values_TC[known, channel])
    return filled_TC
