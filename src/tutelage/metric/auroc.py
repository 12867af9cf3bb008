"""AUROC: the chance that a sample of a class scores higher than one of another; 0.5 is guessing, 1 perfect.

Two classes: by the probability of class 1. More: one against the rest, averaged over the classes present (macro).
Ties count one half. NaN where only one class is present. It does not depend on how frequent the classes are.
"""

from typing import Literal

import numpy as np

from tutelage.metric.base import Outcome
from tutelage.metric.ranking import Ranking, average_one_versus_rest
from tutelage.metric.weighted import WeightedMetric, divide

__all__ = ["Auroc"]


class Auroc(WeightedMetric):
    """Area under the receiver operating characteristic."""

    kind: Literal["auroc"] = "auroc"

    def evaluate(self, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R]."""
        return average_one_versus_rest(area, outcome, weight_RN)


def area(ranking: Ranking) -> np.ndarray:
    """Return the area [R]: 1 - the weighted share of pairs in which the negative sample stands higher.

    The mean rank of the positives counts pairs of positives too; with ties at one half these are always P^2 / 2.
    """
    positive_R = ranking.weight.sum(0)
    passed_R = (ranking.weight * (ranking.above + ranking.through)).sum(0) / 2 - positive_R**2 / 2
    return 1 - divide(passed_R, positive_R * (ranking.total - positive_R))
