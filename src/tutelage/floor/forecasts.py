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

__all__ = ["ForecastFitted", "ForecastFloor", "as_history", "batches_of", "has_season", "held_out", "last_season"]

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

    Where nothing was measured yet at that place, the last value before the moment.
    """
    last_NC = part.past[part.starts[rows] + part.length - 1]
    known_NHC = part.past[np.maximum(_places(part, rows, season), 0)]
    return np.asarray(np.where(has_season(part, rows, season=season), known_NHC, last_NC[:, None]))


def has_season(part: HistoryPart, rows: slice | np.ndarray = slice(None), *, season: int) -> np.ndarray:
    """Tell of which steps ahead there was a value a season before, bool [N, H, C]."""
    return np.asarray(_places(part, rows, season)[..., None] >= part.first_measured)


def _places(part: HistoryPart, rows: slice | np.ndarray, season: int) -> np.ndarray:
    """Return the place in the last season of each step ahead, int64 [N, H]; below 0 before the first time."""
    moment_N = part.starts[rows] + part.length
    return np.asarray(moment_N[:, None] - season + np.arange(part.horizon) % season)


def batches_of(part: HistoryPart, *, length: int = 0) -> Iterator[np.ndarray]:
    """Yield the numbers of the windows in batches that fit into memory, in order."""
    size = max(1, MOST_VALUES // max(1, (length + part.horizon) * part.channels))
    for begin in range(0, len(part), size):
        yield np.arange(begin, min(begin + size, len(part)))


def held_out(part: HistoryPart) -> int:
    """Return the number of the first window that is held out; those right before it reach into its truth."""
    return max(1, round((1 - HELD_OUT) * len(part)))
