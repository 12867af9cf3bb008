"""A sample of the rows that were evaluated, of bounded size: for intervals, and for what a report shows of single rows."""

from collections.abc import Mapping

import numpy as np

from tutelage.core.seeds import derive
from tutelage.metric.base import Outcome
from tutelage.metric.tally import narrow

__all__ = ["MAX_ROWS", "OutcomeSample"]

MAX_ROWS = 10_000
"""Rows kept at most: of more, an interval would resample only so many anyway."""
HIGHEST = np.uint64(2**64 - 1)


class OutcomeSample:
    """All rows, or a random sample of a fixed size, each row as likely as any other.

    Whether a row is in depends on the seed and on the numbers of the rows seen, never on batches, their order or the number of
    processes: the rows with the smallest ranks are kept, and a row's rank is a pure function of the seed and its number.
    """

    def __init__(self, *, seed: int, size: int = MAX_ROWS) -> None:
        """Begin without rows.

        Args:
            seed: The run's seed.
            size: Rows kept at most.
        """
        self._salt, self._size = np.uint64(derive(seed, "sample of outcomes")), size
        self._kept: list[dict[str, np.ndarray]] = []
        self._num_kept, self._highest = 0, HIGHEST

    def add(self, outcome: Outcome, rows: np.ndarray) -> None:
        """Take a batch.

        Args:
            outcome: Predictions and truth.
            rows: The rows' numbers in their part, whole numbers [N], each seen once.
        """
        weight = np.ones(len(rows)) if outcome.weight is None else outcome.weight
        columns = {"rows": rows.astype(np.int64), "prediction": outcome.prediction, "target": outcome.target, "weight": weight}
        self._take(columns)

    def merge(self, other: "OutcomeSample") -> None:
        """Take what another sample with the same seed and size kept of other rows."""
        self._take(other.state())

    @property
    def rows(self) -> np.ndarray:
        """The numbers of the rows kept, int64, ascending."""
        return self.state().get("rows", np.empty(0, dtype=np.int64))

    def outcome(self) -> Outcome:
        """Return the rows kept, in the order of their numbers.

        Raises:
            ValueError: Nothing was seen.
        """
        kept = self.state()
        if not kept:
            raise ValueError("a sample of no rows has no outcome")
        weight = kept["weight"]
        return Outcome(kept["prediction"].astype(np.float64), kept["target"], None if (weight == 1).all() else weight)

    def state(self) -> dict[str, np.ndarray]:
        """Return the rows kept as arrays, to be sent to another process; {} without rows."""
        self._shrink()
        return dict(self._kept[0]) if self._kept else {}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Put what `state` returned in place of what is kept."""
        self._kept, self._num_kept, self._highest = [], 0, HIGHEST
        self._take(dict(state))

    def _take(self, columns: dict[str, np.ndarray]) -> None:
        """Keep the rows that may be among the smallest, and tidy up now and then."""
        if not columns or not len(columns["rows"]):
            return
        may_stay = _ranks(columns["rows"], self._salt) <= self._highest
        staying = {name: column[may_stay] for name, column in columns.items()}
        self._kept.append(staying | {"prediction": narrow(staying["prediction"])})
        self._num_kept += int(may_stay.sum())
        if self._num_kept > 2 * self._size:
            self._shrink()

    def _shrink(self) -> None:
        """Keep the rows with the smallest ranks only, in one piece, in the order of their numbers."""
        if not self._kept:
            return
        joined = {name: np.concatenate([columns[name] for columns in self._kept]) for name in self._kept[0]}
        ranks = _ranks(joined["rows"], self._salt)
        if len(ranks) > self._size:
            self._highest = np.partition(ranks, self._size - 1)[self._size - 1]
        chosen = np.flatnonzero(ranks <= self._highest)
        order = chosen[np.argsort(joined["rows"][chosen], kind="stable")]
        self._kept, self._num_kept = [{name: column[order] for name, column in joined.items()}], len(order)


def _ranks(rows: np.ndarray, salt: np.uint64) -> np.ndarray:
    """Return a random-looking uint64 for each row number, no two alike.

    Source: SplitMix64 in "Fast Splittable Pseudorandom Number Generators", Steele, Lea and Flood 2014.
    Differs from the paper: the n-th number is computed by itself, without those before it.
    """
    mixed = rows.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + salt
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))
