"""Plain forecasts inside an exported graph; not a component.

Shape letters: B windows, S times looked back at, L times before the moment, H ahead, C series, K columns known beforehand.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from tutelage.floor.ridge_forecast import RidgeForecastFitted
    from tutelage.floor.seasonal_naive import SeasonalNaiveFitted

__all__ = ["NaiveGraph", "RidgeGraph"]

LIMIT = 50.0
"""Deviations on the logarithm beyond which an answer would overflow."""


class NaiveGraph(nn.Module):
    """The last season again, with a drift."""

    drift: Tensor

    def __init__(self, fitted: "SeasonalNaiveFitted", *, horizon: int) -> None:
        super().__init__()
        self.season, self.horizon = fitted.season, horizon
        step_H = np.arange(horizon)
        drift_HC = ((step_H // fitted.season + 1) * fitted.season)[:, None] * fitted.drift
        self.register_buffer("drift", torch.from_numpy(drift_HC), persistent=False)

    def forward(self, past_BSC: Tensor, known_BTK: Tensor) -> Tensor:
        """Return [B, H, C], standardized; nothing of what is known beforehand counts."""
        place_H = past_BSC.shape[1] - self.season + torch.arange(self.horizon) % self.season
        return past_BSC.index_select(1, place_H) + self.drift


class RidgeGraph(nn.Module):
    """A straight map from window to horizon, on the scale and without the effects that it was learned with."""

    weights: Tensor
    effects: Tensor
    is_log: Tensor
    least: Tensor
    log_mean: Tensor
    log_std: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, fitted: "RidgeForecastFitted", *, mean: np.ndarray, std: np.ndarray) -> None:
        super().__init__()
        self.length, self.horizon = fitted.weights.shape[1] - 1, fitted.weights.shape[2]
        self.center = fitted.center
        self.naive = NaiveGraph(fitted.naive, horizon=self.horizon)
        scale = fitted.scale
        held = {
            "weights": fitted.weights,
            "effects": fitted.effects.effects,
            "is_log": scale.is_log,
            "least": scale.least,
            "log_mean": scale.mean,
            "log_std": scale.std,
            "mean": mean,
            "std": std,
        }
        self.takes_logs, self.has_effects = bool(scale.is_log.any()), bool(fitted.effects.effects.any())
        for name, values in held.items():
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(values)), persistent=False)

    def forward(self, past_BSC: Tensor, known_BTK: Tensor) -> Tensor:
        """Return [B, H, C], standardized.

        Args:
            past_BSC: float64, standardized, without gaps.
            known_BTK: float64, standardized, of these times and of those ahead.
        """
        own_BSC, times = past_BSC, past_BSC.shape[1]
        if self.takes_logs:
            raw_BSC = torch.maximum(past_BSC * self.std + self.mean, self.least)
            own_BSC = torch.where(self.is_log, (torch.log(raw_BSC) - self.log_mean) / self.log_std, past_BSC)
        if self.has_effects:
            own_BSC = own_BSC - known_BTK[:, :times] @ self.effects
        answer_BHC: Tensor = self.naive(own_BSC, known_BTK) + self._departed(own_BSC[:, times - self.length :])
        if self.has_effects:
            answer_BHC = answer_BHC + known_BTK[:, times:] @ self.effects
        if self.takes_logs:
            raw_BHC = torch.exp(torch.clamp(answer_BHC, -LIMIT, LIMIT) * self.log_std + self.log_mean)
            answer_BHC = torch.where(self.is_log, (raw_BHC - self.mean) / self.std, answer_BHC)
        return answer_BHC

    def _departed(self, window_BLC: Tensor) -> Tensor:
        """Return how far forecasts depart from seasonal-naive, [B, H, C]."""
        middle_B1C = window_BLC[:, -1:] if self.center == "last" else window_BLC.mean(dim=1, keepdim=True)
        inputs_BCL = (window_BLC - middle_B1C).transpose(1, 2)
        weights = self.weights
        if weights.shape[0] == 1:
            departed_BCH = inputs_BCL @ weights[0, :-1] + weights[0, -1]
        else:
            departed_BCH = (inputs_BCL[:, :, None] @ weights[:, :-1])[:, :, 0] + weights[:, -1]
        return departed_BCH.transpose(1, 2)
