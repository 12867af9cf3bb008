"""Series whose spread grows with their level, on the logarithm, where it does not; not a component."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tutelage.data.rows.history import HistoryPart

__all__ = ["LogScale"]

LEAST_BLOCKS, MOST_BLOCKS = 5, 40
"""Stretches of time whose level and spread are compared."""
LEAST_CORRELATION, LEAST_SLOPE, LEAST_RANGE = 0.75, 0.5, 1.5
"""Of the logarithm of the spread with that of the level; and how many times the least level the highest has to be."""


@dataclass(frozen=True)
class LogScale:
    """Which series are taken on the logarithm.

    Attributes:
        is_log: bool [C].
        least: What smaller values count as, in the unit of the series, > 0.
        mean: Of the logarithms.
        std: The same for the deviation.
    """

    is_log: np.ndarray
    least: np.ndarray
    mean: np.ndarray
    std: np.ndarray

    @classmethod
    def suited(cls, part: HistoryPart) -> "LogScale":
        """Return the scale that suits train windows."""
        first = int(part.starts.min()) if len(part) else 0
        last = int(part.starts.max(initial=0)) + part.length + part.horizon
        raw_TC = part.raw(part.measured[first:last])
        is_log_C = np.array([_grows(raw_TC[:, c][~np.isnan(raw_TC[:, c])], part.season) for c in range(part.channels)])
        least_C, mean_C, std_C = np.ones(part.channels), np.zeros(part.channels), np.ones(part.channels)
        for c in np.flatnonzero(is_log_C):
            known = raw_TC[:, c][~np.isnan(raw_TC[:, c])]
            least_C[c], mean_C[c], std_C[c] = known.min() / 10, np.log(known).mean(), max(np.log(known).std(), 1e-12)
        return cls(is_log_C, least_C, mean_C, std_C)

    @classmethod
    def restored(cls, state: Mapping[str, Any], tensors: Mapping[str, Tensor], *, channels: int) -> "LogScale":
        """Rebuild what `state` and `tensors` returned."""
        is_log = np.array([bool(value) for value in state["is_log"]], dtype=bool)
        numbers = tensors["log_scale"].double().numpy()
        if len(is_log) != channels or numbers.shape != (3, channels):
            raise ValueError(f"a scale of {numbers.shape} for {channels} series")
        if (numbers[::2] <= 0).any() or not np.isfinite(numbers).all():
            raise ValueError("a logarithmic scale whose numbers are not finite, or not above 0")
        return cls(is_log, *numbers)

    def history(self, part: HistoryPart) -> HistoryPart:
        """Return windows on this scale."""
        if not self.is_log.any():
            return part
        return replace(part, past=self._of(part.past, part), measured=self._of(part.measured, part))

    def back(self, answers_NHC: np.ndarray, part: HistoryPart) -> np.ndarray:
        """Return answers on the standardized scale of the windows."""
        if not self.is_log.any():
            return answers_NHC
        # What is far beyond all that was seen would overflow.
        raw = np.exp(np.clip(answers_NHC, -50, 50) * self.std + self.mean)
        return np.where(self.is_log, (raw - part.mean) / part.std, answers_NHC)

    def state(self) -> dict[str, Any]:
        """Return which series it concerns."""
        return {"is_log": self.is_log.tolist()}

    def tensors(self) -> dict[str, Tensor]:
        """Return its numbers."""
        return {"log_scale": torch.from_numpy(np.stack([self.least, self.mean, self.std]))}

    def _of(self, values_TC: np.ndarray, part: HistoryPart) -> np.ndarray:
        raw_TC = np.maximum(part.raw(values_TC), self.least)
        return np.where(self.is_log, (np.log(raw_TC) - self.mean) / self.std, values_TC)


def _grows(values_T: np.ndarray, season: int) -> bool:
    """Tell whether the spread within stretches of a season or more grows with their level, and all values are above 0."""
    if not len(values_T) or values_T.min() <= 0:
        return False
    size = max(season, 4) * max(1, len(values_T) // (max(season, 4) * MOST_BLOCKS))
    count = len(values_T) // size
    if count < LEAST_BLOCKS:
        return False
    blocks = values_T[len(values_T) - count * size :].reshape(count, size)
    level, spread = blocks.mean(axis=1), blocks.std(axis=1)
    if (spread <= 0).any() or level.max() < LEAST_RANGE * level.min():
        return False
    x, y = np.log(level), np.log(spread)
    return bool(np.corrcoef(x, y)[0, 1] > LEAST_CORRELATION and np.polyfit(x, y, 1)[0] > LEAST_SLOPE)
