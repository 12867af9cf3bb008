"""What floors that continue series share: rows are windows, answers are [N, H, C] on the standardized scale; not a component.

Shape letters: N windows, L times before the moment, H after, C series.
"""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from tutelage.core.errors import DataError, DataProblem
from tutelage.data.part.base import RowsPart
from tutelage.data.rows.history import HistoryPart
from tutelage.floor.base import FittedFloor, Floor

__all__ = ["ForecastFitted", "ForecastFloor", "as_history", "batches_of", "held_out", "last_season"]

MOST_VALUES = 4_000_000
"""Numbers of a batch of windows, at most."""
HELD_OUT = 0.25
"""Share of the train windows, the last ones, by which settings are chosen; then all are learned from."""


class ForecastFitted(FittedFloor):
    """A fitted floor that continues series."""

    def refitted(self, part: RowsPart) -> "ForecastFitted":
        """Return the same way of forecasting, its numbers learned from other windows."""
        raise NotImplementedError


class ForecastFloor(Floor):
    """A plain model that continues series; the truth of a window is in its part."""

    answers: ClassVar[frozenset[str]] = frozenset({"forecasts"})


def as_history(part: RowsPart) -> HistoryPart:
    """Return the part if its rows are windows over series.

    Raises:
        DataError: They are not.
    """
    if isinstance(part, HistoryPart):
        return part
    remedy = "The model was trained on series with times: give it the same."
    raise DataError([DataProblem(part.name, "its rows are no windows over series", remedy)])


def last_season(part: HistoryPart, rows: slice | np.ndarray = slice(None), *, season: int) -> np.ndarray:
    """Return seasonal-naive: each step ahead is what was at the same place of the last season, float64 [N, H, C].

    The last value where there is no season, or not a whole one before the moment.
    """
    moment_N = part.starts[rows] + part.length
    step_H = np.arange(part.horizon)
    place_NH = moment_N[:, None] - season + step_H % season
    place_NH = np.where(moment_N[:, None] >= season, place_NH, moment_N[:, None] - 1)
    return np.asarray(part.past[place_NH])


def batches_of(part: HistoryPart, *, length: int = 0) -> Iterator[np.ndarray]:
    """Yield the numbers of the windows in batches that fit into memory, in order."""
    size = max(1, MOST_VALUES // max(1, (length + part.horizon) * part.channels))
    for begin in range(0, len(part), size):
        yield np.arange(begin, min(begin + size, len(part)))


def held_out(part: HistoryPart) -> int:
    """Return the number of the first window that is held out; those right before it reach into its truth."""
    return max(1, round((1 - HELD_OUT) * len(part)))
