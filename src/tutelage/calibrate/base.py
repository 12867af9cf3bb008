"""What every calibrator is: a few fitted numbers, and a module that changes a model's answers by them.

It is fitted on held-out answers after training, and travels in the predictor's file as its settings alone.
"""

from typing import ClassVar, Self

import numpy as np
import torch
from torch import nn

from tutelage.core.shape.base import Shape
from tutelage.core.spec import Component

__all__ = ["Calibrator"]


class Calibrator(Component):
    """A fitted change of answers; its settings are the fitted numbers."""

    family: ClassVar[str] = "calibrator"
    answers: ClassVar[str]
    """The kind of answers that it changes, as a task says it."""
    freedom: ClassVar[int] = 0
    """How much it may change, as a place in order: where two are as good, the one with less of it is taken."""
    keeps_decisions: ClassVar[bool] = False
    """Whether the most probable class stays the most probable."""
    suits_few: ClassVar[bool] = False
    """Whether it is held so near to changing nothing that of few rows any gain is enough."""

    @classmethod
    def suits(cls, *, num_rows: int, num_classes: int) -> bool:
        """Tell whether it is worth trying for so many held-out rows and classes, where nobody asks for it by name."""
        return False

    @classmethod
    def fit(cls, prediction: np.ndarray, target: np.ndarray) -> Self:
        """Fit to held-out rows.

        Args:
            prediction: What the model answers: probabilities float64 [N, C] for classes, float64 [N] for numbers.
            target: The truth: class numbers int64 [N], or float64 [N].
        """
        raise NotImplementedError

    @property
    def num_classes(self) -> int:
        """For how many classes it was fitted; 0 where it changes the answers for any number alike."""
        return 0

    def misfit(self, shape: Shape) -> str:
        """Say what it is for, where it is not for a model that takes this shape; "" where it is."""
        return ""

    def module(self) -> nn.Module:
        """Return the module that takes answers float32 [B, ...] and returns answers of the same shape."""
        raise NotImplementedError

    @torch.no_grad()
    def apply(self, answers: np.ndarray) -> np.ndarray:
        """Return changed answers, float64; computed as the module in the predictor does, in float32."""
        changed: np.ndarray = self.module()(torch.from_numpy(np.ascontiguousarray(answers, dtype=np.float32))).double().numpy()
        return changed
