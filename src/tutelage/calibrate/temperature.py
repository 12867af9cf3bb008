"""Temperature scaling: divides all logits by one number, so that probabilities become less sure, or surer, alike.

The most probable class stays the most probable: accuracy does not change. Use it where a network is too sure of itself as a
whole; not where it errs in another way for each class.

Source: "On Calibration of Modern Neural Networks", Guo et al. 2017, arXiv 1706.04599, section 4.2.
Differs from the paper: the logarithm of the temperature is fitted, so that it stays positive, by golden-section search; it is
held near 0 by a Cauchy prior, since some hundred rows tell it to a tenth only; one more row is imagined, of every class alike,
so that a model that never errs does not become infinitely sure.
"""

from typing import ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from tutelage.calibrate.base import Calibrator
from tutelage.calibrate.odds import LEAST, logs

__all__ = ["Temperature", "TemperatureScaling", "fit_temperature"]

BOUNDS = (-4.0, 4.0)
"""Where the logarithm of the temperature is looked for: from 55 times surer to 55 times less sure."""
SPREAD = 0.4
"""Half width at half height of the prior of the temperature's logarithm: what lies far away is hardly held."""
PRECISION = 1e-6
GOLDEN = (5**0.5 - 1) / 2


class Temperature(Calibrator):
    """One temperature for all classes."""

    kind: Literal["temperature"] = "temperature"
    answers: ClassVar[str] = "classes"
    freedom: ClassVar[int] = 1
    keeps_decisions: ClassVar[bool] = True
    suits_few: ClassVar[bool] = True
    temperature: float = Field(
        1.0, gt=0, le=1e6, description="What logits are divided by; above 1 makes a model less sure. Typical: 0.7 to 3."
    )

    @classmethod
    def suits(cls, *, num_rows: int, num_classes: int) -> bool:
        """Tell that one number can be fitted to any rows."""
        return True

    @classmethod
    def fit(cls, prediction: np.ndarray, target: np.ndarray) -> Self:
        """Return the temperature with the smallest log loss on held-out rows; 1 where there are none."""
        return cls(temperature=fit_temperature(prediction, target))

    def module(self) -> nn.Module:
        """Return the scaling of probabilities [B, C]."""
        return TemperatureScaling(self.temperature)


def fit_temperature(prediction: np.ndarray, target: np.ndarray, *, near: float = 1.0) -> float:
    """Return the temperature with the smallest log loss.

    Args:
        prediction: Probabilities float64 [N, C].
        target: Class numbers int64 [N].
        near: Where it is held by the prior; what is returned where there are no rows.
    """
    if not len(target):
        return near
    log_NC = logs(prediction)
    top_N1, rows = log_NC.max(axis=1, keepdims=True), len(target)
    below_NC = log_NC - top_N1
    right = float(log_NC[np.arange(rows), target].mean())
    # The imagined row is alike to all rows in its logits, and of every class alike.
    expected = (rows * right + float(log_NC.mean())) / (rows + 1) - float(top_N1.mean())

    def loss(power: float) -> float:
        sharpness, moved = np.exp(-power), power - np.log(near)
        held = np.log1p((moved / SPREAD) ** 2) / rows
        return float(np.log(np.exp(below_NC * sharpness).sum(axis=1)).mean() - sharpness * expected + held)

    low, high = BOUNDS
    left, right_end = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    loss_left, loss_right = loss(left), loss(right_end)
    while high - low > PRECISION:
        # The loss falls to one valley and rises behind it.
        if loss_left <= loss_right:
            high, right_end, loss_right = right_end, left, loss_left
            left = high - GOLDEN * (high - low)
            loss_left = loss(left)
        else:
            low, left, loss_left = left, right_end, loss_right
            right_end = low + GOLDEN * (high - low)
            loss_right = loss(right_end)
    return float(np.exp((low + high) / 2))


class TemperatureScaling(nn.Module):
    """softmax(log(p) / temperature): the softmax of the logits divided by the temperature."""

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, probability_BC: Tensor) -> Tensor:
        """Return probabilities float32 [B, C]."""
        return torch.softmax(probability_BC.clamp_min(LEAST).log() / self.temperature, dim=-1)
