"""Mean absolute error: the mean size of an error, in the target's unit.

Easy to explain, and hardly moved by a few outliers.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Outcome
from tutelage.metric.weighted import WeightedMetric, mean

__all__ = ["MeanAbsoluteError"]


class MeanAbsoluteError(WeightedMetric):
    """Mean of absolute errors."""

    kind: Literal["mae"] = "mae"
    greater_is_better: ClassVar[bool] = False
    answers: ClassVar[str] = "numbers"

    def evaluate(self, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R]."""
        return mean(np.abs(outcome.prediction - outcome.target), weight_RN)
