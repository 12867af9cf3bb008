"""Matthews correlation: agreement of predicted and true classes beyond chance; -1 to 1, 0 for a guess.

One number that stays honest for unequal classes. 0 where only one class is predicted, NaN where only one is present.

Source: "Comparing two K-category assignments by a K-category correlation coefficient", Gorodkin 2004, eq. 8.
Differs from the paper: none.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Form
from tutelage.metric.counts import ClassCounts, CountedMetric
from tutelage.metric.weighted import divide

__all__ = ["Matthews"]


class Matthews(CountedMetric):
    """Correlation coefficient of two class labels."""

    kind: Literal["matthews"] = "matthews"
    title: ClassVar[str] = "Matthews correlation"
    form: ClassVar[Form] = "fraction"

    def judge(self, counts: ClassCounts) -> np.ndarray:
        """Return the metric [R]."""
        total_R = counts.true.sum(1)
        covariance_R = counts.right.sum(1) * total_R - (counts.true * counts.predicted).sum(1)
        true_R = total_R**2 - (counts.true**2).sum(1)
        predicted_R = total_R**2 - (counts.predicted**2).sum(1)
        one_present_R = (counts.true > 0).sum(1) < 2
        one_predicted_R = (counts.predicted > 0).sum(1) < 2
        # Differences of large squares: where one class holds everything they must be 0, not almost 0.
        spread_R = np.where(one_present_R | one_predicted_R, 0.0, np.sqrt(np.maximum(true_R * predicted_R, 0.0)))
        return np.where(one_present_R, np.nan, divide(covariance_R, spread_R, otherwise=0.0))
