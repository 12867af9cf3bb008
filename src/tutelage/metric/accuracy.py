"""Accuracy: the share of samples whose most probable class is the right one; 0 to 1.

Misleading where one class is much more frequent than the others: see `balanced_accuracy`.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Form, Outcome
from tutelage.metric.weighted import ProportionMetric

__all__ = ["Accuracy"]


class Accuracy(ProportionMetric):
    """Share of right predictions."""

    kind: Literal["accuracy"] = "accuracy"
    title: ClassVar[str] = "accuracy"
    form: ClassVar[Form] = "percent"

    def hits(self, outcome: Outcome) -> np.ndarray:
        """Return bool [N]: which predictions are right; of equal probabilities the first class counts."""
        right: np.ndarray = outcome.prediction.argmax(1) == outcome.target
        return right
