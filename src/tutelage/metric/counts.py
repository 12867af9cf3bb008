"""Right, true and predicted weight of each class: all that precision, recall, F1 and their kin need.

Shapes: R = weightings, N = samples, C = classes.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tutelage.core.errors import UsageError
from tutelage.metric.base import Outcome
from tutelage.metric.weighted import divide, sum_by_class

__all__ = ["Average", "ClassCounts", "average_classes", "count_classes"]

Average = Literal["macro", "weighted", "positive"]
"""macro: classes count alike; weighted: by their number of samples; positive: class 1 of two."""


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """Weights by class, each [R, C].

    Attributes:
        right: Samples of the class that were predicted as such.
        true: Samples of the class.
        predicted: Samples predicted as the class.
    """

    right: np.ndarray
    true: np.ndarray
    predicted: np.ndarray


def count_classes(outcome: Outcome, weight_RN: np.ndarray) -> ClassCounts:
    """Count by class; the predicted class is the most probable, the first of several alike."""
    classes = outcome.prediction.shape[1]
    predicted_N = outcome.prediction.argmax(1)
    is_right_N = predicted_N == outcome.target
    return ClassCounts(
        right=sum_by_class(weight_RN[:, is_right_N], outcome.target[is_right_N], classes),
        true=sum_by_class(weight_RN, outcome.target, classes),
        predicted=sum_by_class(weight_RN, predicted_N, classes),
    )


def average_classes(score_RC: np.ndarray, counts: ClassCounts, *, how: Average) -> np.ndarray:
    """Return [R]: scores averaged over the classes that occur, among the true or the predicted.

    Raises:
        UsageError: `positive` was asked for, but there are not two classes.
    """
    if how == "positive":
        if score_RC.shape[1] != 2:
            raise UsageError(f"average = 'positive' needs two classes; there are {score_RC.shape[1]}. Take 'macro'.")
        return score_RC[:, 1]
    share_RC = counts.true if how == "weighted" else ((counts.true > 0) | (counts.predicted > 0)).astype(np.float64)
    return divide((score_RC * share_RC).sum(1), share_RC.sum(1))
