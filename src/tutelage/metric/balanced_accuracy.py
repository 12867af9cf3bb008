"""Balanced accuracy: recall averaged over the classes present, so that rare classes count as much as frequent ones.

0 to 1; guessing scores 1 / C. Equal to accuracy where all classes are equally frequent.
"""

from typing import Literal

import numpy as np

from tutelage.metric.base import Outcome
from tutelage.metric.counts import count_classes
from tutelage.metric.weighted import WeightedMetric, divide

__all__ = ["BalancedAccuracy"]


class BalancedAccuracy(WeightedMetric):
    """Mean recall of the classes present in the truth."""

    kind: Literal["balanced_accuracy"] = "balanced_accuracy"

    def evaluate(self, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R]."""
        counts = count_classes(outcome, weight_RN)
        return divide(divide(counts.right, counts.true, otherwise=0.0).sum(1), (counts.true > 0).sum(1))
