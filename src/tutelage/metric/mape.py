"""Mean absolute percentage error: the mean of |error| / |target|, as a fraction (0.1 = 10 %).

For targets far from 0, such as prices. NaN where a target is 0: there the error has no percentage.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Outcome
from tutelage.metric.weighted import WeightedMetric, divide, mean

__all__ = ["MeanAbsolutePercentageError"]


class MeanAbsolutePercentageError(WeightedMetric):
    """Mean of absolute errors relative to the target."""

    kind: Literal["mape"] = "mape"
    greater_is_better: ClassVar[bool] = False
    answers: ClassVar[str] = "numbers"

    def evaluate(self, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R]."""
        return mean(divide(np.abs(outcome.prediction - outcome.target), np.abs(outcome.target)), weight_RN)
