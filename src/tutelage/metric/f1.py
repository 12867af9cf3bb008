"""F1 score: the harmonic mean of precision and recall, averaged over classes; 0 to 1.

F1 = 2 * right / (true + predicted). Use it where classes are unequal in size and both kinds of error matter.
"""

from typing import Literal

import numpy as np
from pydantic import Field

from tutelage.metric.base import Outcome
from tutelage.metric.counts import Average, average_classes, count_classes
from tutelage.metric.weighted import WeightedMetric, divide

__all__ = ["F1"]


class F1(WeightedMetric):
    """F1 averaged over the classes that occur; 0 for a class without right predictions."""

    kind: Literal["f1"] = "f1"
    average: Average = Field(
        "macro", description="Over classes: alike (macro), by size (weighted), or class 1 of two (positive)."
    )

    def evaluate(self, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R]."""
        counts = count_classes(outcome, weight_RN)
        score_RC = divide(2 * counts.right, counts.true + counts.predicted, otherwise=0.0)
        return average_classes(score_RC, counts, how=self.average)
