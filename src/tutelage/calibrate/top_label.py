"""Top-label scaling: how sure to be of the most probable class, by a curve, and a temperature among the classes that are left.

What is said of the most probable class is right in the mean on held-out rows, which temperatures alone are not: they have to
please the small probabilities too. The most probable class stays, and so does the order of the others: accuracy does not change.
Use it for more than two classes; for two, `quadratic` says the same with the classes apart.

Source: C. Gupta, A. Ramdas, "Top-label calibration and multiclass-to-binary reductions", ICLR 2022, arXiv 2107.08353, section 2.
Differs from the paper: one curve for all classes in place of bins for each, and all probabilities are told, not only the first.
The curve is a parabola whose slope is fitted at its middle and at its ends, neither below 0, so that it rises everywhere; held
near one temperature by a normal prior.
"""

from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from tutelage.calibrate.base import Calibrator
from tutelage.calibrate.fitting import fit_logistic
from tutelage.calibrate.odds import LEAST, Number, logs, smoothed
from tutelage.calibrate.temperature import fit_temperature

__all__ = ["TopLabel", "TopLabelScaling"]

LEAST_ROWS = 1_000
SPREAD = (1.0, 1.0, 2.0)
"""Standard deviations of the prior: of both slopes around that of one temperature, of the bias in nats around 0."""
MOST_ODDS = 20.0
"""Log odds beyond which others count as these, at most."""
LEAST_MOST = 1.0
"""The same at least, so that a curve can be told of rows that are all alike."""
ABSENT = -1e9
"""Stands for the logarithm of a probability that is left out."""
ABOVE = 1 + 1e-6
"""The most probable class stays above the next by this factor at least."""


class TopLabel(Calibrator):
    """Log odds of the most probable class follow a curve that rises; the others share what is left."""

    kind: Literal["top_label"] = "top_label"
    answers: ClassVar[str] = "classes"
    freedom: ClassVar[int] = 4
    keeps_decisions: ClassVar[bool] = True
    curve: Annotated[tuple[Number, ...], Field(max_length=3)] = Field(
        (), description="Slope in the middle, slope at the ends, and bias in nats; nothing = answers stay as they are."
    )
    most: float = Field(MOST_ODDS, gt=0, le=MOST_ODDS, description="Log odds, in nats, beyond which others count as these.")
    temperature: float = Field(1.0, gt=0, le=1e6, description="What logits of the other classes are divided by.")

    @model_validator(mode="after")
    def _fits(self) -> "TopLabel":
        """Refuse other than three numbers."""
        if len(self.curve) not in (0, 3):
            raise ValueError(f"{len(self.curve)} numbers: expected three of the curve, or none")
        return self

    @classmethod
    def suits(cls, *, num_rows: int, num_classes: int) -> bool:
        """Tell whether there are rows enough for four numbers, and classes for which nothing else says the same."""
        return num_classes > 2 and num_rows >= LEAST_ROWS

    @classmethod
    def fit(cls, prediction: np.ndarray, target: np.ndarray) -> Self:
        """Return what has the smallest log loss on held-out rows; nothing where there are no rows, or only one class."""
        rows, classes = prediction.shape
        if not rows or classes < 2:
            return cls()
        whole = fit_temperature(prediction, target)
        log_NC, top_N = logs(prediction), prediction.argmax(axis=1)
        own_N, rest_NC = log_NC[np.arange(rows), top_N], log_NC.copy()
        rest_NC[np.arange(rows), top_N] = ABSENT
        odds_N, is_right_N = own_N - _log_sum(rest_NC), top_N == target
        most = float(np.clip(np.abs(odds_N).max(), LEAST_MOST, MOST_ODDS))
        held_N = np.clip(odds_N, -most, most)
        bent_N = held_N * np.abs(held_N) / (2 * most)
        features = np.stack([held_N - bent_N, bent_N, np.ones(rows)], axis=1)
        hit_N = smoothed(is_right_N.astype(np.float64), num_classes=classes)
        found = fit_logistic(features, hit_N, start=(1 / whole, 1 / whole, 0.0), spread=SPREAD, least=(0.0, 0.0, None))
        wrong = np.flatnonzero(~is_right_N)
        others = whole
        if len(wrong) and classes > 2:
            share_NC = np.exp(rest_NC[wrong] - _log_sum(rest_NC[wrong])[:, None])
            others = fit_temperature(_without(share_NC, top_N[wrong]), _moved(target[wrong], top_N[wrong]), near=whole)
        return cls(curve=tuple(found.tolist()), most=most, temperature=others)

    def module(self) -> nn.Module:
        """Return the scaling of probabilities [B, C]."""
        return TopLabelScaling(self.curve, self.most, self.temperature)


def _log_sum(log_NC: np.ndarray) -> np.ndarray:
    """Return the logarithm of the sum of each row's exponentials."""
    top_N = log_NC.max(axis=1)
    return np.asarray(top_N + np.log(np.exp(log_NC - top_N[:, None]).sum(axis=1)))


def _without(share_NC: np.ndarray, top_N: np.ndarray) -> np.ndarray:
    """Return each row without one of its classes, [N, C - 1]."""
    is_left = np.arange(share_NC.shape[1]) != top_N[:, None]
    left: np.ndarray = share_NC[is_left].reshape(len(share_NC), -1)
    return left


def _moved(target: np.ndarray, top_N: np.ndarray) -> np.ndarray:
    """Return the classes' numbers where another class of each row is left out."""
    moved: np.ndarray = target - (target > top_N)
    return moved


class TopLabelScaling(nn.Module):
    """The most probable class by a curve of its log odds, the others by softmax(log(p) / temperature)."""

    def __init__(self, curve: tuple[float, ...], most: float, temperature: float) -> None:
        super().__init__()
        self.curve, self.most, self.temperature = curve, most, temperature

    def forward(self, probability_BC: Tensor) -> Tensor:
        """Return probabilities float32 [B, C]."""
        if not self.curve:
            return probability_BC
        # Of probabilities, not of their logarithms, among which neighbors may fall together.
        top_B1 = probability_BC.argmax(dim=-1, keepdim=True)
        is_top_BC = torch.arange(probability_BC.shape[-1], device=probability_BC.device) == top_B1
        log_BC = probability_BC.clamp_min(LEAST).log()
        rest_BC = log_BC.masked_fill(is_top_BC, ABSENT)
        own_B1 = log_BC.amax(dim=-1, keepdim=True)
        odds_B1 = (own_B1 - rest_BC.logsumexp(dim=-1, keepdim=True)).clamp(-self.most, self.most)
        middle, end, bias = self.curve
        bent_B1 = odds_B1 * odds_B1.abs() / (2 * self.most)
        sure_B1 = torch.sigmoid(middle * (odds_B1 - bent_B1) + end * bent_B1 + bias)
        share_BC = torch.softmax(rest_BC / self.temperature, dim=-1)
        next_B1 = share_BC.amax(dim=-1, keepdim=True)
        # With this much or more, the next class has less.
        sure_B1 = torch.maximum(sure_B1, ABOVE * next_B1 / (1 + next_B1))
        return torch.where(is_top_BC, sure_B1, share_BC * (1 - sure_B1))
