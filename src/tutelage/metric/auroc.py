"""AUROC: the chance that a sample of a class scores higher than one of another; 0.5 is guessing, 1 perfect.

Two classes: by the probability of class 1. More: one against the rest, averaged over the classes present (macro).
Ties count one half. NaN where only one class is present. It does not depend on how frequent the classes are.
"""

from typing import Literal

import numpy as np

from tutelage.metric.base import Outcome
from tutelage.metric.ranking import average_one_versus_rest, count_above
from tutelage.metric.weighted import WeightedMetric, divide

__all__ = ["Auroc"]


class Auroc(WeightedMetric):
    """Area under the receiver operating characteristic."""

    kind: Literal["auroc"] = "auroc"

    def evaluate(self, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R]."""
        return average_one_versus_rest(area, outcome, weight_RN)


def area(score_N: np.ndarray, is_positive_N: np.ndarray, weight_RN: np.ndarray) -> np.ndarray:
    """Return the area [R] by the trapezoid rule, exact with ties."""
    positive_RT, negative_RT = count_above(score_N, is_positive_N, weight_RN)
    width_RT = np.diff(negative_RT, axis=1, prepend=0.0)
    height_RT = positive_RT - np.diff(positive_RT, axis=1, prepend=0.0) / 2
    return divide((width_RT * height_RT).sum(1), positive_RT[:, -1] * negative_RT[:, -1])
