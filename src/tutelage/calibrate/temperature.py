"""Temperature scaling: divides all logits by one number, so that probabilities become less sure, or surer, alike.

The most probable class stays the most probable: accuracy does not change. Use it where a network is too sure of itself as a
whole; not where it errs in another way for each class.

Source: "On Calibration of Modern Neural Networks", Guo et al. 2017, arXiv 1706.04599, section 4.2.
Differs from the paper: the logarithm of the temperature is fitted, so that it stays positive, by golden-section search.
"""

from typing import ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from tutelage.calibrate.base import Calibrator

__all__ = ["Temperature", "TemperatureScaling"]

LEAST = float(np.finfo(np.float32).tiny)
"""Probabilities are held this far from 0: their logarithms stand for logits."""
BOUNDS = (-4.0, 4.0)
"""Where the logarithm of the temperature is looked for: from 55 times surer to 55 times less sure."""
PRECISION = 1e-7
GOLDEN = (5**0.5 - 1) / 2


class Temperature(Calibrator):
    """One temperature for all classes."""

    kind: Literal["temperature"] = "temperature"
    answers: ClassVar[str] = "classes"
    temperature: float = Field(
        1.0, gt=0, description="What logits are divided by; above 1 makes a model less sure. Typical: 0.7 to 3."
    )

    @classmethod
    def fit(cls, prediction: np.ndarray, target: np.ndarray) -> Self:
        """Return the temperature with the smallest log loss on held-out rows; 1 where there are none."""
        if not len(target):
            return cls()
        log_NC = np.log(np.maximum(prediction, LEAST))
        rows = np.arange(len(target))

        def loss(log_temperature: float) -> float:
            scaled_NC = log_NC * np.exp(-log_temperature)
            top_N1 = scaled_NC.max(axis=1, keepdims=True)
            total_N = top_N1[:, 0] + np.log(np.exp(scaled_NC - top_N1).sum(axis=1))
            return float((total_N - scaled_NC[rows, target]).mean())

        low, high = BOUNDS
        while high - low > PRECISION:
            # The loss is convex in the inverse temperature, so it has one valley.
            left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
            low, high = (low, right) if loss(left) <= loss(right) else (left, high)
        return cls(temperature=float(np.exp((low + high) / 2)))

    def module(self) -> nn.Module:
        """Return the scaling of probabilities [B, C]."""
        return TemperatureScaling(self.temperature)


class TemperatureScaling(nn.Module):
    """softmax(log(p) / temperature): the softmax of the logits divided by the temperature."""

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, probability_BC: Tensor) -> Tensor:
        """Return probabilities float32 [B, C]."""
        return torch.softmax(probability_BC.clamp_min(LEAST).log() / self.temperature, dim=-1)
