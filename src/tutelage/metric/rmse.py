"""Root mean squared error: the typical size of an error, large ones counting more, in the target's unit.

Never below `mae`; far above it where a few errors are very large.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Outcome
from tutelage.metric.weighted import WeightedMetric, mean

__all__ = ["RootMeanSquaredError"]


class RootMeanSquaredError(WeightedMetric):
    """Root of the mean of squared errors."""

    kind: Literal["rmse"] = "rmse"
    greater_is_better: ClassVar[bool] = False
    answers: ClassVar[str] = "numbers"

    def evaluate(self, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R]."""
        root_R: np.ndarray = np.sqrt(mean((outcome.prediction - outcome.target) ** 2, weight_RN))
        return root_R
