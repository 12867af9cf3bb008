"""R2: the share of the target's variance that the predictions explain; 1 is perfect, 0 is predicting the mean.

Below 0 where the model is worse than the mean. NaN where the target does not vary.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Outcome
from tutelage.metric.weighted import WeightedMetric, divide, mean

__all__ = ["R2"]


class R2(WeightedMetric):
    """Coefficient of determination, 1 - (squared error) / (variance of the target)."""

    kind: Literal["r2"] = "r2"
    answers: ClassVar[str] = "numbers"

    def evaluate(self, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R]."""
        error_R = mean((outcome.prediction - outcome.target) ** 2, weight_RN)
        # Centered first: the difference of two means of squares would lose its digits far from 0.
        centered_N = outcome.target - mean(outcome.target, weight_RN.sum(0, keepdims=True))
        variance_R = mean(centered_N**2, weight_RN) - mean(centered_N, weight_RN) ** 2
        # What rounding leaves of a target that does not vary.
        rounding = 4 * np.finfo(np.float64).eps
        least_R = rounding**2 * mean(outcome.target**2, weight_RN) + rounding * mean(centered_N**2, weight_RN)
        return 1 - divide(error_R, np.where(variance_R <= least_R, 0.0, variance_R))
