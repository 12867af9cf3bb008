"""AUROC: the chance that a sample of a class scores higher than one of another; 0.5 is guessing, 1 perfect.

Two classes: by the probability of class 1. More: one against the rest, averaged over the classes present (macro).
Ties count one half. NaN where only one class is present. It does not depend on how frequent the classes are.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Form
from tutelage.metric.ranking import RankedMetric, Ranking
from tutelage.metric.weighted import divide

__all__ = ["Auroc"]


class Auroc(RankedMetric):
    """Area under the receiver operating characteristic."""

    kind: Literal["auroc"] = "auroc"
    title: ClassVar[str] = "AUROC"
    form: ClassVar[Form] = "fraction"

    def rate(self, ranking: Ranking) -> np.ndarray:
        """Return the area [R]: 1 - the weighted share of pairs in which the negative sample stands higher.

        The mean rank of the positives counts pairs of positives too; with ties at one half these are always P^2 / 2.
        """
        positive_R = ranking.weight.sum(0)
        passed_R = (ranking.weight * (ranking.above + ranking.through)).sum(0) / 2 - positive_R**2 / 2
        return 1 - divide(passed_R, positive_R * (ranking.total - positive_R))
