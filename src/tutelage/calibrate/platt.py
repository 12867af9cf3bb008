"""Platt scaling: a logistic curve of two numbers over the log odds of each class against the rest.

Use it for two classes of which one is believed too readily; for more classes `vector` does the same to all of them together.

Source: "Probabilistic Outputs for Support Vector Machines", Platt 1999.
Differs from the paper: it is fitted to log odds in place of a margin, and held near the identity by a wide normal prior.
"""

from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from tutelage.calibrate.base import Calibrator
from tutelage.calibrate.fitting import fit_logistic
from tutelage.calibrate.odds import MOST_CLASSES, Number, OneAgainstRest, curves, log_odds, smoothed

__all__ = ["Platt"]

LEAST_ROWS = 200
SPREAD = (1.0, 2.0)
"""Standard deviations of the prior: of the slope around 1, of the bias in nats around 0."""


class Platt(Calibrator):
    """A slope and a bias for the log odds of each class; of two classes, for those of the second."""

    kind: Literal["platt"] = "platt"
    answers: ClassVar[str] = "classes"
    freedom: ClassVar[int] = 2
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
    def suits(cls, *, num_rows: int, num_classes: int) -> bool:
        """Tell whether there are two classes, and rows enough for two numbers."""
        return num_classes == 2 and num_rows >= LEAST_ROWS

    @classmethod
    def fit(cls, prediction: np.ndarray, target: np.ndarray) -> Self:
        """Return the slopes and biases with the smallest log loss on held-out rows; none where there are no rows."""
        if not len(target):
            return cls()
        own_NK, rest_NK = log_odds(prediction)
        hit_NK = smoothed(curves(target, num_classes=prediction.shape[1]), num_classes=2)
        found = [
            fit_logistic(np.stack([odds_N, np.ones(len(odds_N))], axis=1), hit_N, start=(1.0, 0.0), spread=SPREAD)
            for odds_N, hit_N in zip((own_NK - rest_NK).T, hit_NK.T, strict=True)
        ]
        return cls(slope=tuple(float(weights[0]) for weights in found), bias=tuple(float(weights[1]) for weights in found))

    @property
    def num_classes(self) -> int:
        """For how many classes it was fitted; 0 where it changes nothing."""
        return 2 if len(self.slope) == 1 else len(self.slope)

    def module(self) -> nn.Module:
        """Return the scaling of probabilities [B, C]."""
        return OneAgainstRest(_Line(self.slope, self.bias)) if self.slope else nn.Identity()


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
