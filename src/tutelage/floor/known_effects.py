"""What is known of each time beforehand, such as a promotion, as so much more or less in each series; not a component.

The effects are taken out of the series before anything else is learned from them, and put back on the forecast: so what was
known of the window does not mislead, and what is known of the coming times counts. They are learned by ridge regression from
the differences of times that lie a season (or a step) apart, where level and season are gone.

Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd edition, 2021, section 10.1 (regression with
errors that have a course of their own).
Differs from the book: a ridge penalty, and an effect counts at its own time alone.
Shape letters: T times, C series, K columns known beforehand, N windows, H steps ahead.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tutelage.core.typed import take
from tutelage.data.prepare.gaps import filled
from tutelage.data.rows.history import HistoryPart
from tutelage.floor.forecasts import HELD_OUT

__all__ = ["KnownEffects"]

PENALTIES = (10.0, 1.0, 0.1, 0.01, 1e-4)
"""On the squares of the effects, as a share of the mean square of what is known."""
MOST_TIMES = 20_000
"""Latest times that are learned from."""


@dataclass(frozen=True)
class KnownEffects:
    """Effects of what is known beforehand.

    Attributes:
        effects: float64 [K, C]: how much more a series is where a column is more by one, on the scale of both; K = 0 where
            nothing is known.
        lag: Steps between the times whose difference was learned from.
        is_own: Whether each series has its own effects, or all have the same.
        penalty: On the squares of the effects; infinite where there is none.
    """

    effects: np.ndarray
    lag: int = 1
    is_own: bool = False
    penalty: float = np.inf

    @classmethod
    def nothing(cls, channels: int = 0) -> "KnownEffects":
        """Return no effect at all."""
        return cls(np.empty((0, channels)))

    @classmethod
    def suited(cls, part: HistoryPart) -> "KnownEffects":
        """Return the effects in train windows: the way in which they are learned is the one that serves their last times best."""
        known, measured = _seen(part)
        if not known.shape[1]:
            return cls.nothing(part.channels)
        count = round((1 - HELD_OUT) * len(known))
        tried = [cls(np.zeros((known.shape[1], part.channels)))]
        ways = [False, True] if part.channels > 1 else [False]
        for lag in dict.fromkeys((part.season, 1)):
            sums = _sums(known[:count], measured[:count], lag)
            tried += [cls(_solved(sums, own, weight), lag, own, weight) for own in ways for weight in PENALTIES]
        season = min(part.season, max(1, len(known) - count - 1))
        errors = [_error(one.effects, known[count:], measured[count:], season) for one in tried]
        return tried[int(np.argmin(errors))].refitted(part)

    @classmethod
    def restored(cls, state: Mapping[str, Any], tensors: Mapping[str, Tensor], *, channels: int) -> "KnownEffects":
        """Rebuild what `state` and `tensors` returned.

        Raises:
            ValueError: They do not belong together.
        """
        if "effects" not in tensors:
            return cls.nothing(channels)
        effects = tensors["effects"].double().numpy()
        if effects.ndim != 2 or effects.shape[1] != channels or not np.isfinite(effects).all():
            raise ValueError(f"effects of {effects.shape} for {channels} series")
        penalty = state.get("penalty")
        return cls(effects, take(state, "lag", int), take(state, "is_own", bool), np.inf if penalty is None else float(penalty))

    def refitted(self, part: HistoryPart) -> "KnownEffects":
        """Return the effects in other windows, learned in the same way."""
        if np.isinf(self.penalty):
            return self
        return replace(self, effects=_solved(_sums(*_seen(part), self.lag), self.is_own, self.penalty))

    def history(self, part: HistoryPart) -> HistoryPart:
        """Return windows without the effects."""
        if not self.effects.any():
            return part
        measured = part.measured - part.known[: len(part.measured)] @ self.effects
        return replace(part, measured=measured, past=filled(measured, season=part.season, hold=part.hold))

    def back(self, answers_NHC: np.ndarray, part: HistoryPart) -> np.ndarray:
        """Return answers with the effects of what is known of the times ahead."""
        if not self.effects.any():
            return answers_NHC
        ahead_NH = part.starts[:, None] + part.length + np.arange(part.horizon)
        return np.asarray(answers_NHC + (part.known @ self.effects)[ahead_NH])

    def state(self) -> dict[str, Any]:
        """Return how they were learned."""
        penalty = None if np.isinf(self.penalty) else self.penalty
        return {"lag": self.lag, "is_own": self.is_own, "penalty": penalty}

    def tensors(self) -> dict[str, Tensor]:
        """Return the effects, where anything is known."""
        return {"effects": torch.from_numpy(self.effects)} if len(self.effects) else {}


def _seen(part: HistoryPart) -> tuple[np.ndarray, np.ndarray]:
    """Return what is known [T, K] and what was measured [T, C] of the latest times that windows see."""
    last = min(int(part.starts.max(initial=0)) + part.length + part.horizon, len(part.measured))
    first = max(int(part.starts.min(initial=last)), last - MOST_TIMES)
    return part.known[first:last], part.measured[first:last]


def _sums(known_TK: np.ndarray, measured_TC: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """Return for each series the products of differences: of what is known [C, K, K], and of that with the series [C, K]."""
    known_TK, change_TC = known_TK[lag:] - known_TK[:-lag], measured_TC[lag:] - measured_TC[:-lag]
    is_there_TC = ~np.isnan(change_TC)
    products_CK = np.where(is_there_TC, change_TC, 0.0).T @ known_TK
    if is_there_TC.all():
        whole = known_TK.T @ known_TK
        return np.broadcast_to(whole, (measured_TC.shape[1], *whole.shape)), products_CK
    own = [known_TK[is_there_T] for is_there_T in is_there_TC.T]
    return np.stack([seen.T @ seen for seen in own]), products_CK


def _solved(sums: tuple[np.ndarray, np.ndarray], is_own: bool, penalty: float) -> np.ndarray:
    """Return the effects of least squares with a penalty, float64 [K, C]."""
    squares_CKK, products_CK = sums
    channels, size = products_CK.shape
    if not is_own:
        squares_CKK, products_CK = squares_CKK.sum(axis=0, keepdims=True), products_CK.sum(axis=0, keepdims=True)
    mean_C = np.maximum(np.trace(squares_CKK, axis1=1, axis2=2) / size, 1e-12)
    found_CK = np.linalg.solve(squares_CKK + (penalty * mean_C)[:, None, None] * np.eye(size), products_CK[..., None])[..., 0]
    return np.array(np.broadcast_to(found_CK, (channels, size)).T, order="C")


def _error(effects: np.ndarray, known_TK: np.ndarray, measured_TC: np.ndarray, season: int) -> float:
    """Return the mean squared change in a season of what is left without the effects; infinite where there is none."""
    left_TC = measured_TC - known_TK @ effects
    square_TC = (left_TC[season:] - left_TC[:-season]) ** 2
    return float(np.nanmean(square_TC)) if (~np.isnan(square_TC)).any() else np.inf
