"""Platt scaling: a logistic curve of two numbers over the log odds of each class against the rest.

Use it for two classes of which one is believed too readily; for more classes `vector` does the same to all of them together.

Source: "Probabilistic Outputs for Support Vector Machines", Platt 1999.
Differs from the paper: it is fitted to log odds in place of a margin, and held near the identity by a wide normal prior; its
slope is not negative: a model that is worse than guessing becomes a guess, and is not turned round without a word.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from tutelage.calibrate.fitting import fit_logistic
from tutelage.calibrate.odds import MOST_CLASSES, Number, smoothed
from tutelage.calibrate.one_against_rest import CurveCalibrator

__all__ = ["Platt"]

SPREAD = (1.0, 2.0)
"""Standard deviations of the prior: of the slope around 1, of the bias in nats around 0."""


class Platt(CurveCalibrator):
    """A slope and a bias for the log odds of each class; of two classes, for those of the second."""

    kind: Literal["platt"] = "platt"
    freedom: ClassVar[int] = 2
    least_rows: ClassVar[int] = 200
    slope: Annotated[tuple[Number, ...], Field(max_length=MOST_CLASSES)] = Field(
        (), description="What log odds are multiplied by."
    )
    bias: Annotated[tuple[Number, ...], Field(max_length=MOST_CLASSES)] = Field((), description="What is then added, in nats.")

    @model_validator(mode="after")
    def _fits(self) -> "Platt":
        """Refuse slopes and biases of different numbers of classes."""
        if len(self.slope) != len(self.bias) or len(self.slope) == 2:
            raise ValueError(
                f"{len(self.slope)} slopes and {len(self.bias)} biases: expected one of each a class, of two classes 1"
            )
        return self

    @classmethod
    def fit_curve(cls, own_N: np.ndarray, rest_N: np.ndarray, hit_N: np.ndarray) -> np.ndarray:
        """Return slope and bias with the smallest log loss."""
        features = np.stack([own_N - rest_N, np.ones(len(own_N))], axis=1)
        return fit_logistic(features, smoothed(hit_N, num_classes=2), start=(1.0, 0.0), spread=SPREAD, least=(0.0, None))

    @classmethod
    def of(cls, fitted: Sequence[np.ndarray]) -> Self:
        """Return the calibrator with these slopes and biases."""
        slope, bias = (tuple(column.tolist()) for column in np.stack(fitted).T)
        return cls(slope=slope, bias=bias)

    @property
    def num_curves(self) -> int:
        """How many there are; 0 where it changes nothing."""
        return len(self.slope)

    def curve_module(self) -> nn.Module:
        """Return the lines."""
        return _Line(self.slope, self.bias)


class _Line(nn.Module):
    """slope * (log(p) - log(1 - p)) + bias."""

    slope: Tensor
    bias: Tensor

    def __init__(self, slope: tuple[float, ...], bias: tuple[float, ...]) -> None:
        super().__init__()
        self.register_buffer("slope", torch.tensor(slope, dtype=torch.float32), persistent=False)
        self.register_buffer("bias", torch.tensor(bias, dtype=torch.float32), persistent=False)

    def forward(self, own_BK: Tensor, rest_BK: Tensor) -> Tensor:
        """Return log odds float32 [B, K]."""
        return self.slope * (own_BK - rest_BK) + self.bias
