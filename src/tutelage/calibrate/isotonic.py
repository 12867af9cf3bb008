"""Isotonic regression: any rising curve for the probability of each class against the rest, by steps that lie in the data.

Use it for two classes with 10,000 held-out rows and more whose errors follow no formula; with fewer, and for log loss, curves
with few numbers are better: of 2,184 binary tabular runs its mean log loss was the worst of all.

Source: "Transforming Classifier Scores into Accurate Multiclass Probability Estimates", Zadrozny and Elkan 2002; scikit-learn's
fit.
Differs from the paper: straight lines between the steps, at most 100 of them, so that the order of rows stays; probabilities of
0 and 1 are held off by half a row.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from tutelage.calibrate.odds import LEAST
from tutelage.calibrate.one_against_rest import CurveCalibrator

__all__ = ["Isotonic"]

LEAST_STEP = 1e-3
"""Between two places of a curve: nearer ones would make another answer of another rounding."""
MOST_STEPS = 100
MOST_CURVES = 1_000
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Steps = Annotated[tuple[Share, ...], Field(min_length=2, max_length=MOST_STEPS)]


class Isotonic(CurveCalibrator):
    """A rising curve for each class; of two classes, for the second."""

    kind: Literal["isotonic"] = "isotonic"
    freedom: ClassVar[int] = 10
    least_rows: ClassVar[int] = 10_000
    stated: Annotated[tuple[Steps, ...], Field(max_length=MOST_CURVES)] = Field(
        (), description="Of each class: rising probabilities that a model states."
    )
    honest: Annotated[tuple[Steps, ...], Field(max_length=MOST_CURVES)] = Field(
        (), description="What these are in truth, rising, straight lines between them."
    )

    @model_validator(mode="after")
    def _fits(self) -> "Isotonic":
        """Refuse curves that do not rise, or are of different lengths."""
        if [len(steps) for steps in self.stated] != [len(steps) for steps in self.honest] or len(self.stated) == 2:
            raise ValueError("stated and honest: expected as many probabilities in one as in the other, for each class")
        if any(sorted(set(steps)) != list(steps) for steps in self.stated):
            raise ValueError("stated: expected probabilities that rise")
        if any(sorted(steps) != list(steps) for steps in self.honest):
            raise ValueError("honest: expected probabilities that do not fall")
        return self

    @classmethod
    def fit_curve(cls, own_N: np.ndarray, rest_N: np.ndarray, hit_N: np.ndarray) -> tuple[Steps, Steps]:
        """Return where the rising curve nearest to the truth bends, and its values there."""
        return _curve(np.exp(own_N), hit_N)

    @classmethod
    def of(cls, fitted: Sequence[tuple[Steps, Steps]]) -> Self:
        """Return the calibrator with these curves."""
        return cls(stated=tuple(stated for stated, _ in fitted), honest=tuple(honest for _, honest in fitted))

    @property
    def num_curves(self) -> int:
        """How many there are; 0 where it changes nothing."""
        return len(self.stated)

    def curve_module(self) -> nn.Module:
        """Return the curves."""
        return _Steps(self.stated, self.honest)


def _curve(own_N: np.ndarray, hit_N: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return where the curve of one class bends, and its values there."""
    from sklearn.isotonic import IsotonicRegression  # slow to import, and only needed at the end of a training

    half = 0.5 / (len(hit_N) + 1)
    fitted = IsotonicRegression(y_min=half, y_max=1 - half, out_of_bounds="clip").fit(own_N, hit_N)
    # In float32, as the model states them: what is apart only in float64 is one place.
    stated, first = np.unique(np.clip(fitted.X_thresholds_, 0, 1).astype(np.float32), return_index=True)
    honest = np.asarray(fitted.y_thresholds_)[first]
    stated, honest = _apart(stated, honest)
    if len(stated) > MOST_STEPS:
        kept = np.unique(np.linspace(0, len(stated) - 1, MOST_STEPS).astype(np.int64))
        stated, honest = stated[kept], honest[kept]
    if len(stated) < 2:
        return (0.0, 1.0), (float(honest[0]), float(honest[0]))
    return tuple(stated.astype(np.float64).tolist()), tuple(np.maximum.accumulate(np.clip(honest, half, 1 - half)).tolist())


def _apart(stated: np.ndarray, honest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return places [K], rising, none nearer than `LEAST_STEP` to the one before, with the mean of what is left out."""
    group, first = np.zeros(len(stated), dtype=np.int64), [0]
    for place in range(1, len(stated)):
        if stated[place] - stated[first[-1]] >= LEAST_STEP:
            first.append(place)
        group[place] = len(first) - 1
    return stated[first], np.bincount(group, weights=honest) / np.bincount(group)


class _Steps(nn.Module):
    """The sum of what each stretch of a curve adds up to a stated probability, as log odds."""

    begin: Tensor
    length: Tensor
    rise: Tensor
    first: Tensor

    def __init__(self, stated: tuple[tuple[float, ...], ...], honest: tuple[tuple[float, ...], ...]) -> None:
        super().__init__()
        most = max(len(steps) for steps in stated)
        # Curves of fewer stretches are filled up with such as add nothing.
        begin, length, rise = (torch.zeros(len(stated), most - 1, dtype=torch.float64) for _ in range(3))
        length += 1
        for number, (places, values) in enumerate(zip(stated, honest, strict=True)):
            place, value = torch.tensor(places, dtype=torch.float64), torch.tensor(values, dtype=torch.float64)
            begin[number, : len(place) - 1] = place[:-1]
            length[number, : len(place) - 1] = place.diff()
            rise[number, : len(place) - 1] = value.diff()
        self.register_buffer("begin", begin.float(), persistent=False)
        self.register_buffer("length", length.float(), persistent=False)
        self.register_buffer("rise", rise.float(), persistent=False)
        self.register_buffer("first", torch.tensor([values[0] for values in honest], dtype=torch.float32), persistent=False)

    def forward(self, own_BK: Tensor, rest_BK: Tensor) -> Tensor:
        """Return log odds float32 [B, K]."""
        passed_BKS = ((own_BK.exp().unsqueeze(-1) - self.begin) / self.length).clamp(0, 1)
        share_BK = self.first + (passed_BKS * self.rise).sum(dim=-1)
        return share_BK.clamp_min(LEAST).log() - (1 - share_BK).clamp_min(LEAST).log()
