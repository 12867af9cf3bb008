"""Isotonic regression: any rising curve for the probability of each class against the rest, by steps that lie in the data.

Use it for two classes with 10,000 held-out rows and more whose errors follow no formula; with fewer, and for log loss, curves
with few numbers are better: of 2,184 binary tabular runs its mean log loss was the worst of all.

Source: "Transforming Classifier Scores into Accurate Multiclass Probability Estimates", Zadrozny and Elkan 2002; scikit-learn's
fit.
Differs from the paper: straight lines between the steps, at most 100 of them, so that the order of rows stays; probabilities of
0 and 1 are held off by half a row.
"""

from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from tutelage.calibrate.base import Calibrator
from tutelage.calibrate.odds import LEAST, OneAgainstRest, curves, log_odds

__all__ = ["Isotonic"]

LEAST_ROWS = 10_000
MOST_STEPS = 100
MOST_CURVES = 1_000
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Steps = Annotated[tuple[Share, ...], Field(min_length=2, max_length=MOST_STEPS)]


class Isotonic(Calibrator):
    """A rising curve for each class; of two classes, for the second."""

    kind: Literal["isotonic"] = "isotonic"
    answers: ClassVar[str] = "classes"
    freedom: ClassVar[int] = 10
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
    def suits(cls, *, num_rows: int, num_classes: int) -> bool:
        """Tell whether there are two classes, and many rows."""
        return num_classes == 2 and num_rows >= LEAST_ROWS

    @classmethod
    def fit(cls, prediction: np.ndarray, target: np.ndarray) -> Self:
        """Return the rising curves nearest to the truth of held-out rows; none where there are no rows."""
        if not len(target):
            return cls()
        hit_NK = curves(target, num_classes=prediction.shape[1])
        own_NK = np.exp(log_odds(prediction)[0])
        found = [_curve(own_N, hit_N) for own_N, hit_N in zip(own_NK.T, hit_NK.T, strict=True)]
        return cls(stated=tuple(stated for stated, _ in found), honest=tuple(honest for _, honest in found))

    @property
    def num_classes(self) -> int:
        """For how many classes it was fitted; 0 where it changes nothing."""
        return 2 if len(self.stated) == 1 else len(self.stated)

    def module(self) -> nn.Module:
        """Return the change of probabilities [B, C]."""
        return OneAgainstRest(_Steps(self.stated, self.honest)) if self.stated else nn.Identity()


def _curve(own_N: np.ndarray, hit_N: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return where the curve of one class bends, and its values there."""
    from sklearn.isotonic import IsotonicRegression  # slow to import, and only needed at the end of a training

    half = 0.5 / (len(hit_N) + 1)
    fitted = IsotonicRegression(y_min=half, y_max=1 - half, out_of_bounds="clip").fit(own_N, hit_N)
    # In float32, as the model states them: what is apart only in float64 is one place.
    stated, first = np.unique(np.clip(fitted.X_thresholds_, 0, 1).astype(np.float32), return_index=True)
    honest = np.asarray(fitted.y_thresholds_)[first]
    if len(stated) > MOST_STEPS:
        kept = np.unique(np.linspace(0, len(stated) - 1, MOST_STEPS).astype(np.int64))
        stated, honest = stated[kept], honest[kept]
    if len(stated) < 2:
        return (0.0, 1.0), (float(honest[0]), float(honest[0]))
    return tuple(stated.astype(np.float64).tolist()), tuple(np.maximum.accumulate(np.clip(honest, half, 1 - half)).tolist())


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
