"""Reversible normalization of windows: a network sees each one on a scale of its own, and its answer is put back on the true one.

When to use it: forecasts of series whose level and spread drift. Not where the level itself tells what comes.

Source: T. Kim et al., "Reversible Instance Normalization for Accurate Time-Series Forecasting against Distribution
Shift", 2022, ICLR, equations 1 to 3. Differs from the paper: no learned scale and shift; the level may be the last value.

Shape letters: B batch, L times before, H times after, C channels.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

__all__ = ["Level", "Reversible", "reversible"]

Level = Literal["mean", "last"]
EPSILON = 1e-5
"""Added to the variance, so that a constant window becomes zeros and its answers stay next to it."""


class Reversible(NamedTuple):
    """Level and spread of each window, float32 [B, 1, C]."""

    level: Tensor
    spread: Tensor

    def apply(self, x_BTC: Tensor) -> Tensor:
        """Return values on the window's own scale."""
        return (x_BTC - self.level) / self.spread

    def undo(self, x_BTC: Tensor) -> Tensor:
        """Return values on the scale that the window came on, float32."""
        return x_BTC.float() * self.spread + self.level


def reversible(past_BLC: Tensor, *, level: Level = "mean") -> Reversible:
    """Measure windows.

    Args:
        past_BLC: Finite values.
        level: What is subtracted: the mean, or the last value.
    """
    past_BLC = past_BLC.float()
    mean_B1C = past_BLC.mean(dim=1, keepdim=True)
    variance_B1C = (past_BLC - mean_B1C).square().mean(dim=1, keepdim=True)
    return Reversible(mean_B1C if level == "mean" else past_BLC[:, -1:], torch.sqrt(variance_B1C + EPSILON))
