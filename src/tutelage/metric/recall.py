"""Recall: the share of the samples of a class that are predicted as it, averaged over classes; 0 to 1.

Use it where a miss is costly. Averaged alike it is `balanced_accuracy`, but a class that is only predicted counts as 0.
"""

from typing import Literal

import numpy as np
from pydantic import Field

from tutelage.metric.base import Outcome
from tutelage.metric.counts import Average, average_classes, count_classes
from tutelage.metric.weighted import WeightedMetric, divide

__all__ = ["Recall"]


class Recall(WeightedMetric):
    """Recall averaged over the classes that occur; 0 for a class without samples."""

    kind: Literal["recall"] = "recall"
    average: Average = Field(
        "macro", description="Over classes: alike (macro), by size (weighted), or class 1 of two (positive)."
    )

    def evaluate(self, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R]."""
        counts = count_classes(outcome, weight_RN)
        score_RC = divide(counts.right, counts.true, otherwise=0.0)
        return average_classes(score_RC, counts, how=self.average)
