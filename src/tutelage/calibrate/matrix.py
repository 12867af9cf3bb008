"""Structured matrix scaling: an affine change of all logits together, where one class is taken for another too readily.

Use it for 3 to 100 classes with 5,000 held-out rows and more; with fewer, plain matrix scaling is known to ruin a model, and
what holds this one back leaves little of it.

Source: "Structured Matrix Scaling for Multi-Class Calibration", Berta et al. 2025, arXiv 2511.03685.
Differs from the paper: the penalties are those of a normal prior, whose share falls with the number of rows, around
temperature scaling; one more row is imagined, see `odds.smoothed`.
"""

from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from tutelage.calibrate.base import Calibrator
from tutelage.calibrate.fitting import fit_affine
from tutelage.calibrate.odds import LEAST, Number
from tutelage.calibrate.vector import SPREAD, SPREAD_BIAS, scaled_logits

__all__ = ["Matrix", "MatrixScaling"]

MOST_CLASSES = 1_000
SUITED_CLASSES = 100
LEAST_ROWS, ROWS_PER_CLASS = 5_000, 100
SPREAD_MIXED = 0.2
"""Standard deviation of the prior for all of a row beside the diagonal together."""


class Matrix(Calibrator):
    """A matrix and biases."""

    kind: Literal["matrix"] = "matrix"
    answers: ClassVar[str] = "classes"
    freedom: ClassVar[int] = 30
    weight: Annotated[tuple[Number, ...], Field(max_length=MOST_CLASSES**2)] = Field(
        (), description="The matrix that multiplies the logits, row by row, one a class."
    )
    bias: Annotated[tuple[Number, ...], Field(max_length=MOST_CLASSES)] = Field(
        (), description="What is then added for each class, in nats."
    )

    @model_validator(mode="after")
    def _fits(self) -> "Matrix":
        """Refuse a matrix that is not square, or of other classes than the biases."""
        if len(self.weight) != len(self.bias) ** 2:
            raise ValueError(f"{len(self.weight)} weights and {len(self.bias)} biases: expected C^2 and C for C classes")
        return self

    @classmethod
    def suits(cls, *, num_rows: int, num_classes: int) -> bool:
        """Tell whether there are rows enough for each pair of classes."""
        return 2 < num_classes <= SUITED_CLASSES and num_rows >= max(LEAST_ROWS, ROWS_PER_CLASS * num_classes)

    @classmethod
    def fit(cls, prediction: np.ndarray, target: np.ndarray) -> Self:
        """Return the matrix and biases with the smallest log loss on held-out rows; none where there are no rows."""
        if not len(target):
            return cls()
        logit_NC, hit_NC, temperature = scaled_logits(prediction, target)
        mixed = SPREAD_MIXED / prediction.shape[1] ** 0.5
        matrix_CC, bias_C = fit_affine(logit_NC, hit_NC, spread=SPREAD, spread_bias=SPREAD_BIAS, spread_mixed=mixed)
        return cls(weight=tuple((matrix_CC / temperature).ravel().tolist()), bias=tuple(bias_C.tolist()))

    @property
    def num_classes(self) -> int:
        """For how many classes it was fitted; 0 where it changes nothing."""
        return len(self.bias)

    def module(self) -> nn.Module:
        """Return the scaling of probabilities [B, C]."""
        return MatrixScaling(self.weight, self.bias)


class MatrixScaling(nn.Module):
    """softmax(weight @ centered log(p) + bias)."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: tuple[float, ...], bias: tuple[float, ...]) -> None:
        super().__init__()
        classes = len(bias)
        self.is_neutral = not classes
        matrix_CC = torch.tensor(weight, dtype=torch.float32).reshape(classes, classes)
        self.register_buffer("weight", matrix_CC, persistent=False)
        self.register_buffer("bias", torch.tensor(bias, dtype=torch.float32), persistent=False)

    def forward(self, probability_BC: Tensor) -> Tensor:
        """Return probabilities float32 [B, C]."""
        if self.is_neutral:
            return probability_BC
        log_BC = probability_BC.clamp_min(LEAST).log()
        centered_BC = log_BC - log_BC.mean(dim=-1, keepdim=True)
        return torch.softmax(centered_BC @ self.weight.T + self.bias, dim=-1)
