"""Average precision: precision averaged over all the ranks at which recall grows; 0 to 1, for rare classes.

Two classes: of class 1; guessing scores its share. More: one against the rest, averaged over the classes present.
AP = sum over thresholds of (recall gained) * precision, without interpolation.
"""

from typing import Literal

import numpy as np

from tutelage.metric.base import Outcome
from tutelage.metric.ranking import average_one_versus_rest, count_above
from tutelage.metric.weighted import WeightedMetric, divide

__all__ = ["AveragePrecision"]


class AveragePrecision(WeightedMetric):
    """Area under the precision-recall steps."""

    kind: Literal["average_precision"] = "average_precision"

    def evaluate(self, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R]."""
        return average_one_versus_rest(precision_area, outcome, weight_RN)


def precision_area(score_N: np.ndarray, is_positive_N: np.ndarray, weight_RN: np.ndarray) -> np.ndarray:
    """Return the average precision [R]; NaN where no positive has weight."""
    positive_RT, negative_RT = count_above(score_N, is_positive_N, weight_RN)
    precision_RT = divide(positive_RT, positive_RT + negative_RT, otherwise=0.0)
    gained_RT = np.diff(positive_RT, axis=1, prepend=0.0)
    return divide((gained_RT * precision_RT).sum(1), positive_RT[:, -1])
