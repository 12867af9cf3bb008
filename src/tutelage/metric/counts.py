"""Right, true and predicted weight of each class: all that precision, recall, F1 and their kin need.

Shapes: R = weightings, N = rows, C = classes.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from tutelage.core.errors import UsageError
from tutelage.metric.base import Outcome
from tutelage.metric.tally import Sums
from tutelage.metric.weighted import SummedMetric, divide, sum_by_class

__all__ = ["Average", "AveragedMetric", "ClassCounts", "CountedMetric"]

Average = Literal["macro", "weighted", "positive"]
"""macro: classes count alike; weighted: by their number of rows; positive: class 1 of two."""


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """Weights by class, each [R, C].

    Attributes:
        right: Rows of the class that were predicted as such.
        true: Rows of the class.
        predicted: Rows predicted as the class.
    """

    right: np.ndarray
    true: np.ndarray
    predicted: np.ndarray


class CountedMetric(SummedMetric):
    """A metric that is a function of the counts by class."""

    def weigh(self, outcome: Outcome, weight_RN: np.ndarray) -> Sums:
        """Count by class; the predicted class is the most probable, the first of several alike."""
        classes = outcome.prediction.shape[1]
        predicted_N = outcome.prediction.argmax(1)
        is_right_N = predicted_N == outcome.target
        return {
            "right": sum_by_class(weight_RN[:, is_right_N], outcome.target[is_right_N], classes),
            "true": sum_by_class(weight_RN, outcome.target, classes),
            "predicted": sum_by_class(weight_RN, predicted_N, classes),
        }

    def finish(self, sums: Sums) -> np.ndarray:
        """Return the metric [R]."""
        return self.judge(ClassCounts(**sums))

    def judge(self, counts: ClassCounts) -> np.ndarray:
        """Return the metric [R] of counts."""
        raise NotImplementedError


class AveragedMetric(CountedMetric):
    """A score of each class, averaged over the classes that occur, among the true or the predicted."""

    average: Average = Field(
        "macro", description="Over classes: alike (macro), by size (weighted), or class 1 of two (positive)."
    )

    def scores(self, counts: ClassCounts) -> np.ndarray:
        """Return the score of each class [R, C]."""
        raise NotImplementedError

    def judge(self, counts: ClassCounts) -> np.ndarray:
        """Return the averaged score [R].

        Raises:
            UsageError: `positive` was asked for, but there are not two classes.
        """
        score_RC = self.scores(counts)
        if self.average == "positive":
            refusal = self.refusal(score_RC.shape[1])
            if refusal:
                raise UsageError(refusal)
            return score_RC[:, 1]
        occurs_RC = ((counts.true > 0) | (counts.predicted > 0)).astype(np.float64)
        share_RC = counts.true if self.average == "weighted" else occurs_RC
        return divide((score_RC * share_RC).sum(1), share_RC.sum(1))

    def refusal(self, num_classes: int | None) -> str:
        """Refuse `positive` where there are not two classes."""
        if self.average != "positive" or num_classes in (2, None):
            return ""
        return f"average = 'positive' needs two classes; there are {num_classes}. Take 'macro'."
