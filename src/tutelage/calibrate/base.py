"""What every calibrator is: a few fitted numbers, and a module that changes a model's answers by them.

It is fitted on held-out answers after training, and travels in the predictor's file as its settings alone.
"""

from typing import ClassVar, Self

import numpy as np
from torch import nn

from tutelage.core.shape.base import Shape
from tutelage.core.spec import Component

__all__ = ["Calibrator"]


class Calibrator(Component):
    """A fitted change of answers; its settings are the fitted numbers."""

    family: ClassVar[str] = "calibrator"
    answers: ClassVar[str]
    """The kind of answers that it changes, as a task says it."""

    @classmethod
    def fit(cls, prediction: np.ndarray, target: np.ndarray) -> Self:
        """Fit to held-out rows.

        Args:
            prediction: What the model answers: probabilities float64 [N, C] for classes, float64 [N] for numbers.
            target: The truth: class numbers int64 [N], or float64 [N].
        """
        raise NotImplementedError

    def misfit(self, shape: Shape) -> str:
        """Say what it is for, where it is not for a model that takes this shape; "" where it is."""
        return ""

    def module(self) -> nn.Module:
        """Return the module that takes answers float32 [B, ...] and returns answers of the same shape."""
        raise NotImplementedError
