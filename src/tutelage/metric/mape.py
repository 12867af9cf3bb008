"""Mean absolute percentage error: the mean of |error| / |target|, as a fraction (0.1 = 10 %).

For targets far from 0, such as prices. NaN where a target is 0: there the error has no percentage.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Form, Outcome
from tutelage.metric.weighted import MeanMetric, divide

__all__ = ["MeanAbsolutePercentageError"]


class MeanAbsolutePercentageError(MeanMetric):
    """Mean of absolute errors relative to the target."""

    kind: Literal["mape"] = "mape"
    title: ClassVar[str] = "MAPE"
    form: ClassVar[Form] = "percent"
    greater_is_better: ClassVar[bool] = False
    answers: ClassVar[str] = "numbers"

    def values(self, outcome: Outcome) -> np.ndarray:
        """Return each relative error [N]."""
        return divide(np.abs(outcome.prediction - outcome.target), np.abs(outcome.target))
