"""Seasonal-naive: what was a season ago, or the last value, each with the mean change or without, whichever did best on train.

The yardstick of every forecast: many networks are worse. It knows one number a series.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import History
from tutelage.core.typed import Size, take
from tutelage.data.part.base import RowsPart
from tutelage.data.rows.history import HistoryPart
from tutelage.floor.forecast_graph import NaiveGraph
from tutelage.floor.forecasts import ForecastFitted, ForecastFloor, as_history, batches_of, has_season, held_out, last_season

__all__ = ["SeasonalNaive", "SeasonalNaiveFitted", "mean_drift"]

Way = Literal["last", "season"]


class SeasonalNaive(ForecastFloor):
    """Settings of seasonal-naive."""

    kind: Literal["seasonal_naive"] = "seasonal_naive"
    noun: ClassVar[str] = "the last season again (seasonal-naive)"

    def fit(self, part: RowsPart, truth: np.ndarray, *, num_classes: int, seed: int) -> "SeasonalNaiveFitted":
        """Choose the way that was best on the last quarter of the train windows."""
        history = as_history(part)
        first = held_out(history)
        early = history.select(np.arange(first))
        tried = [
            SeasonalNaiveFitted(season, drift * with_drift)
            for season in dict.fromkeys((history.season, 1))
            for drift in (mean_drift(early, season),)
            for with_drift in (0.0, 1.0)
        ]
        late = history.select(np.arange(first, len(history))) if first < len(history) else history
        # Where no step has a season before it, all are infinite, and the first is chosen: the season.
        errors = [squared_error(one, late) for one in tried]
        best = tried[int(np.argmin(errors))]
        return best.refitted(history)

    def restore(self, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> "SeasonalNaiveFitted":
        """Rebuild what was fitted."""
        drift = tensors["drift"].double().numpy()
        if drift.shape != (take(state, "channels", Size),) or not np.isfinite(drift).all():
            raise ValueError(f"a drift of {drift.shape} for {state['channels']} series: expected as many finite numbers")
        return SeasonalNaiveFitted(take(state, "season", Size), drift)


@dataclass(frozen=True)
class SeasonalNaiveFitted(ForecastFitted):
    """Seasonal-naive of some series.

    Attributes:
        season: Steps; 1 says the last value again.
        drift: Mean change of each series in a step, standardized; 0 where none is added.
    """

    season: int
    drift: np.ndarray

    def answers(self, part: RowsPart) -> np.ndarray:
        """Return forecasts float64 [N, H, C], standardized."""
        history = as_history(part)
        found = [self.of(history, rows) for rows in batches_of(history)]
        return np.concatenate(found) if found else np.empty((0, history.horizon, history.channels))

    def refitted(self, part: RowsPart) -> "SeasonalNaiveFitted":
        """Return the same way with the mean change of other windows, where one is added."""
        history = as_history(part)
        drift = mean_drift(history, self.season) if self.drift.any() else np.zeros(history.channels)
        return SeasonalNaiveFitted(self.season, drift)

    def of(self, history: HistoryPart, rows: np.ndarray) -> np.ndarray:
        """Return forecasts of some windows."""
        naive_NHC = last_season(history, rows, season=self.season)
        # What stands in for a step is the next whole number of seasons before it.
        seasons_H = np.arange(history.horizon) // self.season + 1
        return np.asarray(naive_NHC + (seasons_H * self.season)[:, None] * self.drift)

    def graph(self, *, mean: np.ndarray, std: np.ndarray, horizon: int) -> NaiveGraph:
        """Return it inside a graph."""
        return NaiveGraph(self, horizon=horizon)

    def misfit(self, shape: Shape) -> str:
        """Say of how many series it is, where the model is of others."""
        asked = shape.view(History)
        fits = asked is not None and asked.channels == len(self.drift)
        return "" if fits else f"a mean change of {len(self.drift)} series"

    def state(self) -> dict[str, Any]:
        """Return the season."""
        return {"season": self.season, "channels": len(self.drift)}

    def tensors(self) -> dict[str, Tensor]:
        """Return the change in a step."""
        return {"drift": torch.from_numpy(self.drift)}


def mean_drift(part: HistoryPart, season: int) -> np.ndarray:
    """Return the mean change in a step over all times that the windows see, float64 [C], from differences of a season.

    What stands for a series before it was first measured is no change.
    """
    if not len(part):
        return np.zeros(part.channels)
    first, last = int(part.starts.min()), int(part.starts.max()) + part.length + part.horizon
    values_TC = part.past[first:last]
    if len(values_TC) <= season:
        return np.zeros(part.channels)
    is_known_TC = first + np.arange(len(values_TC) - season)[:, None] >= part.first_measured
    change_TC = np.where(is_known_TC, values_TC[season:] - values_TC[:-season], 0.0)
    return np.asarray(change_TC.sum(axis=0) / np.maximum(is_known_TC.sum(axis=0), 1) / season)


def squared_error(fitted: SeasonalNaiveFitted, part: HistoryPart) -> float:
    """Return the mean squared error over all measured values that have one a season before: the same for every way."""
    total, count = 0.0, 0
    for rows in batches_of(part):
        error = fitted.of(part, rows) - part.truths(rows)
        is_measured = ~np.isnan(error) & has_season(part, rows, season=part.season)
        total += float((error[is_measured] ** 2).sum())
        count += int(is_measured.sum())
    return total / count if count else np.inf
