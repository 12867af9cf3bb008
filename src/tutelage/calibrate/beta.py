"""Beta calibration: a curve of three numbers for each class, which may bend otherwise near 0 than near 1.

Use it for two classes where a logistic curve does not fit, such as a model that is too sure of one class and not of the other.

Source: "Beta Calibration: a Well-Founded and Easily Implemented Improvement on Logistic Calibration for Binary Classifiers",
Kull et al. 2017, section 3.
Differs from the paper: both powers are bounded below by 0 while they are fitted, in place of leaving one out after; held near
the identity by a wide normal prior.
"""

from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from tutelage.calibrate.base import Calibrator
from tutelage.calibrate.fitting import fit_logistic
from tutelage.calibrate.odds import MOST_CLASSES, Number, OneAgainstRest, curves, log_odds, smoothed

__all__ = ["Beta"]

LEAST_ROWS = 500
SPREAD = (1.0, 1.0, 2.0)
"""Standard deviations of the prior: of both powers around 1, of the bias in nats around 0."""
Power = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


class Beta(Calibrator):
    """Two powers and a bias for each class; of two classes, for the second."""

    kind: Literal["beta"] = "beta"
    answers: ClassVar[str] = "classes"
    freedom: ClassVar[int] = 3
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
    def suits(cls, *, num_rows: int, num_classes: int) -> bool:
        """Tell whether there are two classes, and rows enough for three numbers."""
        return num_classes == 2 and num_rows >= LEAST_ROWS

    @classmethod
    def fit(cls, prediction: np.ndarray, target: np.ndarray) -> Self:
        """Return the curves with the smallest log loss on held-out rows; none where there are no rows."""
        if not len(target):
            return cls()
        own_NK, rest_NK = log_odds(prediction)
        hit_NK = smoothed(curves(target, num_classes=prediction.shape[1]), num_classes=2)
        least = (0.0, 0.0, None)
        found = np.array(
            [
                fit_logistic(
                    np.stack([own_N, -rest_N, np.ones(len(own_N))], axis=1),
                    hit_N,
                    start=(1.0, 1.0, 0.0),
                    spread=SPREAD,
                    least=least,
                )
                for own_N, rest_N, hit_N in zip(own_NK.T, rest_NK.T, hit_NK.T, strict=True)
            ]
        )
        power, power_rest, bias = (tuple(column.tolist()) for column in found.T)
        return cls(power=power, power_rest=power_rest, bias=bias)

    @property
    def num_classes(self) -> int:
        """For how many classes it was fitted; 0 where it changes nothing."""
        return 2 if len(self.power) == 1 else len(self.power)

    def module(self) -> nn.Module:
        """Return the change of probabilities [B, C]."""
        return OneAgainstRest(_Bend(self.power, self.power_rest, self.bias)) if self.power else nn.Identity()


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
