"""Precision: the share of the samples predicted as a class that belong to it, averaged over classes; 0 to 1.

Use it where a false alarm is costly.
"""

from typing import Literal

import numpy as np
from pydantic import Field

from tutelage.metric.base import Outcome
from tutelage.metric.counts import Average, average_classes, count_classes
from tutelage.metric.weighted import WeightedMetric, divide

__all__ = ["Precision"]


class Precision(WeightedMetric):
    """Precision averaged over the classes that occur; 0 for a class without predictions."""

    kind: Literal["precision"] = "precision"
    average: Average = Field(
        "macro", description="Over classes: alike (macro), by size (weighted), or class 1 of two (positive)."
    )

    def evaluate(self, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R]."""
        counts = count_classes(outcome, weight_RN)
        score_RC = divide(counts.right, counts.predicted, otherwise=0.0)
        return average_classes(score_RC, counts, how=self.average)
