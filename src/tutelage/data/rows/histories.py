"""Windows over several series: what was measured before a moment, and what came after; each value is stored once.

Shape letters: T times, C series, K numbers known beforehand, B windows, L times before the moment, H after.
"""

from copy import copy

import numpy as np
import torch
from torch import Tensor

__all__ = ["HistoryRows"]


class HistoryRows:
    """Windows that begin at given times."""

    def __init__(
        self, past_TC: np.ndarray, known_TK: np.ndarray, target_TC: np.ndarray, starts: np.ndarray, *, length: int, horizon: int
    ) -> None:
        """Hold the series.

        Args:
            past_TC: float32, standardized, gaps filled.
            known_TK: float32; as many times as there are to be told of.
            target_TC: float32, standardized; NaN where nothing was measured.
            starts: First time of each window, int64 [N].
            length: Times before the moment.
            horizon: Times after it.
        """
        self.is_on_disk = False
        self.lengths: np.ndarray | None = None
        self.past_TC, self.known_TK, self.target_TC, self.starts = past_TC, known_TK, target_TC, starts
        self.length, self.horizon = length, horizon
        measured_TC = ~np.isnan(target_TC)
        self._count_TC = None if measured_TC.all() else _counted(measured_TC)

    def __len__(self) -> int:
        return len(self.starts)

    def at(self, starts: np.ndarray) -> "HistoryRows":
        """Return windows that begin at other times, over the same numbers."""
        others = copy(self)
        others.starts = starts
        return others

    def take(self, rows: Tensor) -> dict[str, Tensor]:
        """Return `past` [B, L, C], `target` [B, H, C] and, where anything is known beforehand, `known` [B, L + H, K]."""
        start_B = self.starts[rows.numpy()]
        place_BL = start_B[:, None] + np.arange(self.length)
        batch = {
            "past": torch.from_numpy(self.past_TC[place_BL]),
            "target": torch.from_numpy(self.targets(start_B)),
        }
        if self.known_TK.shape[1]:
            batch["known"] = torch.from_numpy(self.known_TK[start_B[:, None] + np.arange(self.length + self.horizon)])
        return batch

    def targets(self, start_B: np.ndarray) -> np.ndarray:
        """Return what came after windows, float32 [B, H, C]; NaN where nothing was measured, or nothing before it either."""
        after_B = start_B + self.length
        place_BH = after_B[:, None] + np.arange(self.horizon)
        # What is to be forecast lies after the last time.
        is_there_BH = place_BH < len(self.target_TC)
        target_BHC = self.target_TC[np.minimum(place_BH, len(self.target_TC) - 1)]
        if not is_there_BH.all():
            target_BHC = np.where(is_there_BH[..., None], target_BHC, np.float32(np.nan))
        if self._count_TC is not None:
            nothing_BC = self._count_TC[after_B] == self._count_TC[start_B]
            target_BHC = np.where(nothing_BC[:, None, :], np.float32(np.nan), target_BHC)
        return target_BHC


def _counted(measured_TC: np.ndarray) -> np.ndarray:
    """Return how many values were measured before each time, int32 [T + 1, C]."""
    none = np.zeros((1, measured_TC.shape[1]), np.int32)
    return np.concatenate([none, measured_TC.cumsum(axis=0, dtype=np.int32)])
