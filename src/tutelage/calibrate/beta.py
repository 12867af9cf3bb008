"""Beta calibration: a curve of three numbers for each class, which may bend otherwise near 0 than near 1.

Use it for two classes where a logistic curve does not fit, such as a model that is too sure of one class and not of the other.

Source: "Beta Calibration: a Well-Founded and Easily Implemented Improvement on Logistic Calibration for Binary Classifiers",
Kull et al. 2017, section 3.
Differs from the paper: both powers are bounded below by 0 while they are fitted, in place of leaving one out after; held near
the identity by a wide normal prior.
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

__all__ = ["Beta"]

SPREAD = (1.0, 1.0, 2.0)
"""Standard deviations of the prior: of both powers around 1, of the bias in nats around 0."""
Power = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


class Beta(CurveCalibrator):
    """Two powers and a bias for each class; of two classes, for the second."""

    kind: Literal["beta"] = "beta"
    freedom: ClassVar[int] = 3
    least_rows: ClassVar[int] = 500
    power: Annotated[tuple[Power, ...], Field(max_length=MOST_CLASSES)] = Field(
        (), description="What log(p) of each class is multiplied by."
    )
    power_rest: Annotated[tuple[Power, ...], Field(max_length=MOST_CLASSES)] = Field(
        (), description="What log(1 - p) is multiplied by, to be subtracted."
    )
    bias: Annotated[tuple[Number, ...], Field(max_length=MOST_CLASSES)] = Field((), description="What is then added, in nats.")

    @model_validator(mode="after")
    def _fits(self) -> "Beta":
        """Refuse powers and biases of different numbers of classes."""
        if not len(self.power) == len(self.power_rest) == len(self.bias) or len(self.power) == 2:
            found = f"{len(self.power)} and {len(self.power_rest)} powers, {len(self.bias)} biases"
            raise ValueError(f"{found}: expected one of each a class, of two classes 1")
        return self

    @classmethod
    def fit_curve(cls, own_N: np.ndarray, rest_N: np.ndarray, hit_N: np.ndarray) -> np.ndarray:
        """Return both powers and the bias with the smallest log loss."""
        features, hits = np.stack([own_N, -rest_N, np.ones(len(own_N))], axis=1), smoothed(hit_N, num_classes=2)
        return fit_logistic(features, hits, start=(1.0, 1.0, 0.0), spread=SPREAD, least=(0.0, 0.0, None))

    @classmethod
    def of(cls, fitted: Sequence[np.ndarray]) -> Self:
        """Return the calibrator with these powers and biases."""
        power, power_rest, bias = (tuple(column.tolist()) for column in np.stack(fitted).T)
        return cls(power=power, power_rest=power_rest, bias=bias)

    @property
    def num_curves(self) -> int:
        """How many there are; 0 where it changes nothing."""
        return len(self.power)

    def curve_module(self) -> nn.Module:
        """Return the bent curves."""
        return _Bend(self.power, self.power_rest, self.bias)


class _Bend(nn.Module):
    """a log(p) - b log(1 - p) + c."""

    power: Tensor
    power_rest: Tensor
    bias: Tensor

    def __init__(self, power: tuple[float, ...], power_rest: tuple[float, ...], bias: tuple[float, ...]) -> None:
        super().__init__()
        self.register_buffer("power", torch.tensor(power, dtype=torch.float32), persistent=False)
        self.register_buffer("power_rest", torch.tensor(power_rest, dtype=torch.float32), persistent=False)
        self.register_buffer("bias", torch.tensor(bias, dtype=torch.float32), persistent=False)

    def forward(self, own_BK: Tensor, rest_BK: Tensor) -> Tensor:
        """Return log odds float32 [B, K]."""
        return self.power * own_BK - self.power_rest * rest_BK + self.bias
