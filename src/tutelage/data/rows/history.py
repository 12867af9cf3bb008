"""Windows over several series as rows: each is a moment with the times before it, and those after it as the truth.

Shape letters: T times, C series, K columns known beforehand, N windows, L times before the moment, H after.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from tutelage.data.part.base import RowsPart, select_fingerprint

__all__ = ["HistoryPart"]


@dataclass(frozen=True)
class HistoryPart(RowsPart):
    """Windows.

    Attributes:
        name: `train`, `validation`, `test` or `input`.
        past: float64 [T, C], standardized, gaps filled.
        measured: float64 [T, C], standardized; NaN where nothing was measured.
        starts: First time of each window, int64 [N].
        length: L.
        horizon: H.
        season: Steps after which values come again; 1 where they do not.
        mean: Of each series in its unit, float64 [C].
        std: The same for the deviation, > 0.
        fingerprint: Hash of what it was made of.
        known: What is known of each time beforehand, standardized, float64 [T or more, K]; as far as any window reaches.
        hold: Steps of a gap for which `past` has the last value; beyond, what was a season before.
    """

    name: str
    past: np.ndarray
    measured: np.ndarray
    starts: np.ndarray
    length: int
    horizon: int
    season: int
    mean: np.ndarray
    std: np.ndarray
    fingerprint: str
    known: np.ndarray
    hold: int
    labels: np.ndarray | None = None
    target: str = ""

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def channels(self) -> int:
        """Series."""
        return int(self.past.shape[1])

    @cached_property
    def first_measured(self) -> np.ndarray:
        """First time at which each series was measured, int64 [C]; T where it never was."""
        measured_TC = ~np.isnan(self.measured)
        return np.where(measured_TC.any(axis=0), measured_TC.argmax(axis=0), len(measured_TC))

    def locate(self, index: int) -> str:
        """Name one window by its first time."""
        return f"{self.name} window {int(self.starts[index]) + 1}"

    def select(self, indices: np.ndarray) -> "HistoryPart":
        """Return some of the windows, in that order."""
        return replace(self, starts=self.starts[indices], fingerprint=select_fingerprint(self.fingerprint, indices))

    def renamed(self, name: str) -> "HistoryPart":
        """Return the same windows under another name."""
        return replace(self, name=name)

    def show(self, index: int) -> dict[str, Any]:
        """Return nothing: forecasts are drawn by themselves."""
        return {}

    def pasts(self, rows: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Return the times before the moments of some windows, float64 [N, L, C]."""
        return np.asarray(self.past[self.starts[rows][:, None] + np.arange(self.length)])

    def truths(self, rows: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Return the times after, float64 [N, H, C]; NaN where nothing was measured."""
        return np.asarray(self.measured[self.starts[rows][:, None] + self.length + np.arange(self.horizon)])

    def raw(self, values: np.ndarray) -> np.ndarray:
        """Return standardized values [..., C] in the unit of the series."""
        return np.asarray(values * self.std + self.mean)
