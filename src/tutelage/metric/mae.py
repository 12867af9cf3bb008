"""Mean absolute error: the mean size of an error, in the target's unit; of forecasts in deviations of each series.

Easy to explain, and hardly moved by a few outliers.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Outcome
from tutelage.metric.weighted import MeanMetric

__all__ = ["MeanAbsoluteError"]


class MeanAbsoluteError(MeanMetric):
    """Mean of absolute errors."""

    kind: Literal["mae"] = "mae"
    title: ClassVar[str] = "MAE"
    greater_is_better: ClassVar[bool] = False
    answers: ClassVar[str] = "numbers"
    also_answers: ClassVar[tuple[str, ...]] = ("forecasts",)
    unit: ClassVar[Literal["", "target"]] = "target"

    def values(self, outcome: Outcome) -> np.ndarray:
        """Return the size of each error [N]."""
        size_N: np.ndarray = np.abs(outcome.prediction - outcome.target)
        return size_N
