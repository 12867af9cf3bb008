"""A straight map from window to horizon, in closed form: how far a forecast departs from seasonal-naive, by least squares.

The window is told relative to its last value or its mean, so that level does not matter; what is learned is shrunk towards
seasonal-naive by a penalty, which the last quarter of the train windows chooses - with short series it is all that is left.
One map serves all series, or each has its own; where spread grows with level, all of it is done on the logarithm. What is known
beforehand has effects of its own (`known_effects.py`), without which the series are mapped.

Source: Toner and Darlow, An Analysis of Linear Time Series Forecasting Models, 2024, arXiv 2403.14587.
Differs from the paper: the penalty, and towards what it shrinks; effects of what is known beforehand.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import History
from tutelage.core.typed import take
from tutelage.data.part.base import RowsPart
from tutelage.data.rows.history import HistoryPart
from tutelage.floor.forecast_graph import RidgeGraph
from tutelage.floor.forecasts import ForecastFitted, ForecastFloor, as_history, batches_of, has_season, held_out
from tutelage.floor.gram import Gram
from tutelage.floor.known_effects import KnownEffects
from tutelage.floor.log_scale import LogScale
from tutelage.floor.seasonal_naive import SeasonalNaive, SeasonalNaiveFitted

__all__ = ["RidgeForecast", "RidgeForecastFitted"]

PENALTIES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1e4)
"""As a share of the mean square of a window's values, times the number of windows."""
MOST_OWN = 16
"""Series that may have maps of their own."""
MOST_PRODUCTS = 1e10
"""Products for the Gram matrices, at most; beyond, every n-th window is learned from."""

Center = Literal["last", "mean"]
CENTERS: tuple[Center, ...] = ("last", "mean")


class RidgeForecast(ForecastFloor):
    """Settings of the straight map."""

    kind: Literal["ridge_forecast"] = "ridge_forecast"
    noun: ClassVar[str] = "a straight map from window to horizon (ridge regression)"

    def fit(self, part: RowsPart, truth: np.ndarray, *, num_classes: int, seed: int) -> "RidgeForecastFitted":
        """Learn the map; which one, the last quarter of the train windows says."""
        history = as_history(part)
        scale = LogScale.suited(history)
        history = scale.history(history)
        effects = KnownEffects.suited(history)
        history = effects.history(history)
        first, step = held_out(history), _thinned(history)
        # Of windows that are learned from nothing may be in the truth of those held out.
        begin = max(1, first - history.horizon - history.length // 2)
        early, between, late = (
            history.select(np.arange(-(-begin // step) * step, end, step))
            for begin, end in ((0, begin), (begin, first), (first, len(history)))
        )
        naive = SeasonalNaive().fit(history, truth, num_classes=num_classes, seed=seed).refitted(early)
        sums = [_sums(windows, naive) for windows in (early, late, between)]
        tried = [found for center in CENTERS for found in _best(sums[0], sums[1], center)]
        best = min(tried, key=lambda found: (found.error, -found.penalty))
        whole = sums[0].plus(sums[1]).plus(sums[2]).centered(*centering(history.length, best.center))
        weights = whole.solved(best.penalty, is_own=best.is_own)
        return RidgeForecastFitted(weights, best.center, naive, scale, best.penalty, effects)

    def restore(self, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> "RidgeForecastFitted":
        """Rebuild what was fitted."""
        weights = tensors["weights"].double().numpy()
        naive = SeasonalNaive().restore(take(state, "naive", dict), {"drift": tensors["drift"]})
        center, channels = take(state, "center", str), len(naive.drift)
        sizes = (weights.ndim == 3, len(weights) in (1, channels), list(weights.shape) == list(state["sizes"]))
        if not all(sizes) or center not in ("last", "mean"):
            raise ValueError(f"a map of {weights.shape} for {channels} series, centered by {center!r}")
        if not np.isfinite(weights).all():
            raise ValueError("a map whose weights are not finite")
        scale = LogScale.restored(take(state, "scale", dict), tensors, channels=channels)
        effects = KnownEffects.restored(take(state, "effects", dict) if "effects" in state else {}, tensors, channels=channels)
        penalty = take(state, "penalty", float)
        return RidgeForecastFitted(weights, "last" if center == "last" else "mean", naive, scale, penalty, effects)


@dataclass(frozen=True)
class Tried:
    """One way that was tried, and what it reached on the windows held out."""

    center: Center
    is_own: bool
    penalty: float
    error: float


@dataclass(frozen=True)
class RidgeForecastFitted(ForecastFitted):
    """A straight map.

    Attributes:
        weights: float64 [G, L + 1, H]: one map for all series (G = 1), or one each; the last row is what is always added.
        center: What windows are told relative to.
        naive: What is departed from.
        scale: Whether logarithms are taken.
        penalty: On the squares of the weights.
        effects: Of what is known beforehand.
    """

    weights: np.ndarray
    center: Center
    naive: SeasonalNaiveFitted
    scale: LogScale
    penalty: float
    effects: KnownEffects = field(default_factory=KnownEffects.nothing)

    def refitted(self, part: RowsPart) -> "RidgeForecastFitted":
        """Return the same way, learned from other windows in one pass."""
        history = self.scale.history(as_history(part))
        effects = self.effects.refitted(history)
        history = effects.history(history)
        naive = self.naive.refitted(history)
        chosen = history.select(np.arange(0, len(history), _thinned(history)))
        sums = _sums(chosen, naive).centered(*centering(history.length, self.center))
        weights = sums.solved(self.penalty, is_own=len(self.weights) > 1)
        return replace(self, weights=weights, naive=naive, effects=effects)

    def answers(self, part: RowsPart) -> np.ndarray:
        """Return forecasts float64 [N, H, C], standardized."""
        history = as_history(part)
        own = self.effects.history(self.scale.history(history))
        found = [self._of(own, rows) for rows in batches_of(own, length=own.length)]
        answers = np.concatenate(found) if found else np.empty((0, own.horizon, own.channels))
        return self.scale.back(self.effects.back(answers, history), history)

    def _of(self, history: HistoryPart, rows: np.ndarray) -> np.ndarray:
        """Return forecasts of some windows, on the scale of the map."""
        inputs_NCL = centered(history.pasts(rows), self.center)
        if len(self.weights) == 1:
            departed_NCH = inputs_NCL @ self.weights[0, :-1] + self.weights[0, -1]
        else:
            departed_NCH = np.einsum("ncl,clh->nch", inputs_NCL, self.weights[:, :-1], optimize=True) + self.weights[:, -1]
        return np.asarray(self.naive.of(history, rows) + departed_NCH.transpose(0, 2, 1))

    def graph(self, *, mean: np.ndarray, std: np.ndarray, horizon: int) -> RidgeGraph:
        """Return the map inside a graph."""
        return RidgeGraph(self, mean=mean, std=std)

    def misfit(self, shape: Shape) -> str:
        """Say from how many times to how many it is, where the model has others."""
        asked = shape.view(History)
        _, inputs, horizon = self.weights.shape
        fits = asked is not None and (inputs, horizon) == (asked.length + 1, asked.horizon)
        if asked is not None and len(self.effects.effects) > asked.known:
            return f"effects of {len(self.effects.effects)} columns that are known beforehand"
        return self.naive.misfit(shape) if fits else f"a map from {inputs - 1} times to {horizon}"

    def state(self) -> dict[str, Any]:
        """Return how windows are centered."""
        sizes = list(self.weights.shape)
        return {
            "center": self.center,
            "sizes": sizes,
            "penalty": self.penalty,
            "naive": self.naive.state(),
            "scale": self.scale.state(),
            "effects": self.effects.state(),
        }

    def tensors(self) -> dict[str, Tensor]:
        """Return the map."""
        own = {"weights": torch.from_numpy(self.weights)}
        return own | self.naive.tensors() | self.scale.tensors() | self.effects.tensors()


def centered(past_NLC: np.ndarray, center: Center) -> np.ndarray:
    """Return windows relative to their last value or their mean, float64 [N, C, L]."""
    past_NCL = past_NLC.transpose(0, 2, 1)
    middle = past_NCL[..., -1:] if center == "last" else past_NCL.mean(axis=-1, keepdims=True)
    return np.asarray(past_NCL - middle)


def centering(length: int, center: Center) -> tuple[np.ndarray, np.ndarray]:
    """Return what `Gram.centered` takes to make of windows, and a constant 1, what `centered` makes of them, [L + 1] each."""
    weight_D, from_D = np.zeros(length + 1), np.ones(length + 1)
    if center == "last":
        weight_D[length - 1] = 1.0
    else:
        weight_D[:length] = 1.0 / length
    from_D[length] = 0.0
    return weight_D, from_D


def _best(learned: Gram, held: Gram, center: Center) -> list[Tried]:
    """Return the best of one way to center windows: with one map for all series and, where there may be such, with own ones."""
    weight_D, from_D = centering(learned.inputs.shape[1] - 1, center)
    learned, held = learned.centered(weight_D, from_D), held.centered(weight_D, from_D)
    ways = [False, True] if len(learned.inputs) > 1 else [False]
    # Where nothing could be held out, nothing is departed from.
    return [
        min(
            (Tried(center, way, penalty, held.error(learned.solved(penalty, is_own=way))) for penalty in PENALTIES),
            key=lambda found: (found.error, -found.penalty),
        )
        for way in ways
    ]


def _thinned(history: HistoryPart) -> int:
    """Return n where every n-th window is learned from: 1, more where there are too many."""
    products = len(history) * history.channels * history.length * (history.length + history.horizon)
    return max(1, int(np.ceil(products / MOST_PRODUCTS)))


def _sums(history: HistoryPart, naive: SeasonalNaiveFitted) -> Gram:
    """Return the sums of some windows as they are."""
    gram = Gram.empty(history.channels if history.channels <= MOST_OWN else 1, history.length, history.horizon)
    for rows in batches_of(history, length=history.length):
        departed_NHC = history.truths(rows) - naive.of(history, rows)
        # From the last value, which stands in for a season that is not there, values depart in another way.
        departed_NHC[~has_season(history, rows, season=naive.season)] = np.nan
        gram.add(history.pasts(rows).transpose(0, 2, 1), departed_NHC.transpose(0, 2, 1))
    return gram
