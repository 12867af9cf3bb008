"""Mean squared error: the mean of (prediction - target)^2, in the square of the target's unit; of forecasts standardized.

The square of `rmse`; large errors dominate.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Outcome
from tutelage.metric.weighted import MeanMetric

__all__ = ["MeanSquaredError"]


class MeanSquaredError(MeanMetric):
    """Mean of squared errors."""

    kind: Literal["mse"] = "mse"
    title: ClassVar[str] = "MSE"
    greater_is_better: ClassVar[bool] = False
    answers: ClassVar[str] = "numbers"
    also_answers: ClassVar[tuple[str, ...]] = ("forecasts",)

    def values(self, outcome: Outcome) -> np.ndarray:
        """Return each squared error [N]."""
        square_N: np.ndarray = (outcome.prediction - outcome.target) ** 2
        return square_N
