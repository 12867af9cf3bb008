"""Mean squared error: the mean of (prediction - target)^2, in the square of the target's unit.

The square of `rmse`; large errors dominate.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Outcome
from tutelage.metric.weighted import WeightedMetric, mean

__all__ = ["MeanSquaredError"]


class MeanSquaredError(WeightedMetric):
    """Mean of squared errors."""

    kind: Literal["mse"] = "mse"
    greater_is_better: ClassVar[bool] = False
    answers: ClassVar[str] = "numbers"

    def evaluate(self, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R]."""
        return mean((outcome.prediction - outcome.target) ** 2, weight_RN)
