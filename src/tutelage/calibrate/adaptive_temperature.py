"""Adaptive temperature scaling: a temperature for each row, by how far its most probable class lies above the next.

The most probable class stays the most probable, and the order of all classes is kept: accuracy does not change. Use it where
sure answers err in another way than unsure ones, as after label smoothing or averaging; not for two classes, where
`quadratic` says the same with a bias beside it.

Source: C. Tomani, D. Cremers, F. Buettner, "Parameterized Temperature Scaling for Boosting the Expressive Power in Post-Hoc
Uncertainty Calibration", ECCV 2022, arXiv 2102.12182, equation 5.
Differs from the paper: the logarithm of the inverse temperature is a polynomial of degree 2 of the difference of the two largest
logits, held near one temperature by a normal prior, in place of a network on ten of them; so that a wider margin never makes
an answer less sure, the square, and then the slope, are left out where they would bend the curve down.
"""

from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from tutelage.calibrate.base import Calibrator
from tutelage.calibrate.fitting import fit_powers
from tutelage.calibrate.odds import LEAST, Number, logs, smoothed
from tutelage.calibrate.temperature import Temperature

__all__ = ["AdaptiveTemperature", "AdaptiveTemperatureScaling"]

LEAST_ROWS = 500
SPREAD = 1.0
"""Standard deviation of the prior for each factor of the curve, of margins with mean 0 and deviation 1."""
MOST_POWER = 4.0
"""Logarithm of the sharpest and of the flattest inverse temperature, as in `temperature`."""
DEGREES = (2, 1)
MOST_CELLS = 1_000_000
"""Rows * classes that are looked at, of evenly spaced rows: three numbers need no more."""
GRID = 257


class AdaptiveTemperature(Calibrator):
    """An inverse temperature exp(a + b m + c m^2) for a row with margin m, in nats."""

    kind: Literal["adaptive_temperature"] = "adaptive_temperature"
    answers: ClassVar[str] = "classes"
    freedom: ClassVar[int] = 3
    keeps_decisions: ClassVar[bool] = True
    curve: Annotated[tuple[Number, ...], Field(max_length=3)] = Field(
        (), description="Factors a, b, c of the margin's powers, in nats; nothing = answers stay as they are."
    )
    most: float = Field(0.0, ge=0, le=1e6, description="Margins beyond the largest seen, in nats, count as that.")

    @model_validator(mode="after")
    def _fits(self) -> "AdaptiveTemperature":
        """Refuse other than three numbers."""
        if len(self.curve) not in (0, 3):
            raise ValueError(f"{len(self.curve)} numbers: expected three of the curve, or none")
        return self

    @classmethod
    def suits(cls, *, num_rows: int, num_classes: int) -> bool:
        """Tell whether there are rows enough for three numbers, and classes for which nothing else says the same."""
        return num_classes > 2 and num_rows >= LEAST_ROWS

    @classmethod
    def fit(cls, prediction: np.ndarray, target: np.ndarray) -> Self:
        """Return the curve with the smallest log loss on held-out rows; none where there are no rows."""
        if not len(target):
            return cls()
        start = -float(np.log(Temperature.fit(prediction, target).temperature))
        rows, classes = prediction.shape
        looked = np.linspace(0, rows - 1, min(rows, max(2 * LEAST_ROWS, MOST_CELLS // classes))).astype(np.int64)
        log_NC, hit_NC = logs(prediction[looked]), np.zeros((len(looked), classes))
        hit_NC[np.arange(len(looked)), target[looked]] = 1.0
        top_N2 = -np.partition(-log_NC, 1, axis=1)[:, :2]
        margin_N = top_N2[:, 0] - top_N2[:, 1]
        hit_NC, most = smoothed(hit_NC, num_classes=classes), float(margin_N.max())
        for degree in DEGREES:
            found = fit_powers(log_NC, hit_NC, margin_N, degree=degree, start=start, spread=SPREAD)
            curve = (*found.tolist(), *[0.0] * (2 - degree))
            if _rises(curve, most):
                return cls(curve=curve, most=most)
        return cls(curve=(start, 0.0, 0.0), most=most)

    def module(self) -> nn.Module:
        """Return the scaling of probabilities [B, C]."""
        return AdaptiveTemperatureScaling(self.curve, self.most)


def _rises(curve: tuple[float, ...], most: float) -> bool:
    """Tell whether a wider margin stays wider everywhere, and no temperature is out of bounds."""
    margin = np.linspace(0, most, GRID)
    power = np.polynomial.polynomial.polyval(margin, curve)
    return bool(np.isfinite(power).all() and np.abs(power).max() <= MOST_POWER and (np.diff(margin * np.exp(power)) >= 0).all())


class AdaptiveTemperatureScaling(nn.Module):
    """softmax(log(p) exp(a + b m + c m^2)), m the margin of the row."""

    def __init__(self, curve: tuple[float, ...], most: float) -> None:
        super().__init__()
        self.curve, self.most = curve, most

    def forward(self, probability_BC: Tensor) -> Tensor:
        """Return probabilities float32 [B, C]."""
        if not self.curve:
            return probability_BC
        log_BC = probability_BC.clamp_min(LEAST).log()
        top_B2 = log_BC.topk(2, dim=-1).values
        margin_B1 = (top_B2[..., :1] - top_B2[..., 1:]).clamp_max(self.most)
        first, second, third = self.curve
        power_B1 = first + margin_B1 * (second + margin_B1 * third)
        return torch.softmax(log_BC * power_B1.exp(), dim=-1)
