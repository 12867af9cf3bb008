"""Vector scaling: a scale and a bias for the logit of each class, where classes are believed too readily or too seldom.

Use it for more than two classes with some thousand held-out rows; not for fewer than a few rows a class.

Source: "On Calibration of Modern Neural Networks", Guo et al. 2017, arXiv 1706.04599, section 4.2.
Differs from the paper: held near temperature scaling by a normal prior, as in "Structured Matrix Scaling for Multi-Class
Calibration", Berta et al. 2025, arXiv 2511.03685; one more row is imagined, see `odds.smoothed`.
"""

from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from tutelage.calibrate.base import Calibrator
from tutelage.calibrate.fitting import fit_affine
from tutelage.calibrate.odds import LEAST, MOST_CLASSES, Number, logs, smoothed
from tutelage.calibrate.temperature import Temperature

__all__ = ["Vector", "VectorScaling", "scaled_logits"]

LEAST_ROWS, ROWS_PER_CLASS = 1_000, 20
SPREAD, SPREAD_BIAS = 0.5, 1.0
"""Standard deviations of the prior: scales around the temperature's, biases in nats."""


class Vector(Calibrator):
    """A scale and a bias a class."""

    kind: Literal["vector"] = "vector"
    answers: ClassVar[str] = "classes"
    freedom: ClassVar[int] = 20
    scale: Annotated[tuple[Number, ...], Field(max_length=MOST_CLASSES)] = Field(
        (), description="What each class's logit is multiplied by."
    )
    bias: Annotated[tuple[Number, ...], Field(max_length=MOST_CLASSES)] = Field(
        (), description="What is then added to it, in nats."
    )

    @model_validator(mode="after")
    def _fits(self) -> "Vector":
        """Refuse scales and biases of different numbers of classes."""
        if len(self.scale) != len(self.bias):
            raise ValueError(f"{len(self.scale)} scales and {len(self.bias)} biases: expected one of each a class")
        return self

    @classmethod
    def suits(cls, *, num_rows: int, num_classes: int) -> bool:
        """Tell whether there are rows enough for each class."""
        return num_classes > 2 and num_rows >= max(LEAST_ROWS, ROWS_PER_CLASS * num_classes)

    @classmethod
    def fit(cls, prediction: np.ndarray, target: np.ndarray) -> Self:
        """Return the scales and biases with the smallest log loss on held-out rows; none where there are no rows."""
        if not len(target):
            return cls()
        logit_NC, hit_NC, temperature = scaled_logits(prediction, target)
        matrix_CC, bias_C = fit_affine(logit_NC, hit_NC, spread=SPREAD, spread_bias=SPREAD_BIAS, spread_mixed=0.0)
        return cls(scale=tuple((matrix_CC.diagonal() / temperature).tolist()), bias=tuple(bias_C.tolist()))

    @property
    def num_classes(self) -> int:
        """For how many classes it was fitted; 0 where it changes nothing."""
        return len(self.scale)

    def module(self) -> nn.Module:
        """Return the scaling of probabilities [B, C]."""
        return VectorScaling(self.scale, self.bias)


def scaled_logits(prediction: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return logits [N, C] after the best temperature, with a mean of 0 a row; the smoothed truth [N, C]; and the temperature."""
    temperature = Temperature.fit(prediction, target).temperature
    log_NC = logs(prediction)
    logit_NC = (log_NC - log_NC.mean(axis=1, keepdims=True)) / temperature
    classes = prediction.shape[1]
    return logit_NC, smoothed(np.eye(classes)[target], num_classes=classes), temperature


class VectorScaling(nn.Module):
    """softmax(scale * centered log(p) + bias)."""

    scale: Tensor
    bias: Tensor

    def __init__(self, scale: tuple[float, ...], bias: tuple[float, ...]) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(scale or (1.0,), dtype=torch.float32), persistent=False)
        self.register_buffer("bias", torch.tensor(bias or (0.0,), dtype=torch.float32), persistent=False)

    def forward(self, probability_BC: Tensor) -> Tensor:
        """Return probabilities float32 [B, C]."""
        log_BC = probability_BC.clamp_min(LEAST).log()
        return torch.softmax(self.scale * (log_BC - log_BC.mean(dim=-1, keepdim=True)) + self.bias, dim=-1)
