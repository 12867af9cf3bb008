"""Balanced accuracy: recall averaged over the classes present, so that rare classes count as much as frequent ones.

0 to 1; guessing scores 1 / C. Equal to accuracy where all classes are equally frequent.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Form
from tutelage.metric.counts import ClassCounts, CountedMetric
from tutelage.metric.weighted import divide

__all__ = ["BalancedAccuracy"]


class BalancedAccuracy(CountedMetric):
    """Mean recall of the classes present in the truth."""

    kind: Literal["balanced_accuracy"] = "balanced_accuracy"
    title: ClassVar[str] = "balanced accuracy"
    form: ClassVar[Form] = "percent"

    def judge(self, counts: ClassCounts) -> np.ndarray:
        """Return the metric [R]."""
        return divide(divide(counts.right, counts.true, otherwise=0.0).sum(1), (counts.true > 0).sum(1))
