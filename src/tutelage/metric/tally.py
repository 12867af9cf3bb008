"""The two ways to gather a metric batch by batch: sums, whose size does not depend on the rows, or columns of all rows."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

__all__ = ["ColumnTally", "Columns", "SumTally", "Sums", "add_sums", "mean_of", "narrow"]

Sums = dict[str, np.ndarray]
"""Sums by name, each [R, ...] for R weightings of the same rows; {} where nothing was summed."""
Columns = dict[str, np.ndarray]
"""What is kept of each row by name, each [N, ...]."""
NARROW = (np.uint8, np.float32)
"""Types that columns are kept in where these hold every value exactly."""


def add_sums(one: Sums, other: Sums) -> Sums:
    """Return the sums over both."""
    return {name: one[name] + other[name] for name in one}


def mean_of(sums: Sums) -> np.ndarray:
    """Return `sum` over `weight` [R], NaN where the weight is 0."""
    total, weight = sums["sum"], sums["weight"]
    quotient: np.ndarray = np.divide(total, weight, out=np.full(total.shape, np.nan), where=weight != 0)
    return quotient


class SumTally:
    """Keeps sums; for a metric that is a function of sums over rows."""

    def __init__(
        self,
        sums: Callable[[Any], Sums],
        finish: Callable[[Sums], np.ndarray],
        *,
        combine: Callable[[Sums, Sums], Sums] = add_sums,
    ) -> None:
        """Begin with nothing.

        Args:
            sums: Returns the sums over an outcome, with R = 1; {} for an empty one.
            finish: Returns the metric [R] of sums.
            combine: Joins the sums over two sets of rows where these do not simply add.
        """
        self._sums, self._finish, self._combine = sums, finish, combine
        self._kept: Sums = {}

    def add(self, outcome: Any) -> None:
        """Take a batch."""
        self._take(self._sums(outcome))

    def merge(self, other: "SumTally") -> None:
        """Take what another tally saw."""
        self._take(other._kept)

    def value(self) -> float:
        """Return the metric; NaN before anything was seen."""
        return float(self._finish(self._kept)[0]) if self._kept else float("nan")

    def state(self) -> dict[str, np.ndarray]:
        """Return the sums."""
        return dict(self._kept)

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Put sums in place of what is kept."""
        self._kept = dict(state)

    def _take(self, sums: Sums) -> None:
        self._kept = self._combine(self._kept, sums) if self._kept and sums else self._kept or sums


class ColumnTally:
    """Keeps some numbers of each row; for a metric that needs all rows at once, such as one that ranks them."""

    def __init__(self, keep: Callable[[Any], Columns], finish: Callable[[Columns], float]) -> None:
        """Begin with nothing.

        Args:
            keep: Returns what the metric needs of each row of an outcome.
            finish: Returns the metric of all rows.
        """
        self._keep, self._finish = keep, finish
        self._kept: list[Columns] = []

    def add(self, outcome: Any) -> None:
        """Take a batch; an empty one leaves no trace."""
        columns = {name: narrow(column) for name, column in self._keep(outcome).items()}
        if any(len(column) for column in columns.values()):
            self._kept.append(columns)

    def merge(self, other: "ColumnTally") -> None:
        """Take what another tally saw."""
        self._kept += other._kept

    def value(self) -> float:
        """Return the metric; NaN before anything was seen."""
        return self._finish(self.state()) if self._kept else float("nan")

    def state(self) -> dict[str, np.ndarray]:
        """Return all columns; from now on they are kept in one piece."""
        if len(self._kept) > 1:
            self._kept = [{name: np.concatenate([columns[name] for columns in self._kept]) for name in self._kept[0]}]
        return dict(self._kept[0]) if self._kept else {}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Put columns in place of what is kept."""
        self._kept = [dict(state)] if state else []


def narrow(column: np.ndarray) -> np.ndarray:
    """Return a copy in the smallest of a few types that holds every value exactly, or the column as it is.

    Probabilities of a network are float32 in truth, whatever they were widened to; class numbers mostly fit into a byte.
    """
    for kind in NARROW:
        # A value out of range is only to be found out, not to be warned of.
        with np.errstate(invalid="ignore", over="ignore"):
            short = column.astype(kind)
        if np.array_equal(short, column):
            return short
    return column
