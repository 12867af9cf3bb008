"""Average precision: precision averaged over all the ranks at which recall grows; 0 to 1, for rare classes.

Two classes: of class 1; guessing scores its share. More: one against the rest, averaged over the classes present.
AP = sum over thresholds of (recall gained) * precision, without interpolation.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Form
from tutelage.metric.ranking import RankedMetric, Ranking
from tutelage.metric.weighted import divide

__all__ = ["AveragePrecision"]


class AveragePrecision(RankedMetric):
    """Area under the precision-recall steps."""

    kind: Literal["average_precision"] = "average_precision"
    title: ClassVar[str] = "average precision"
    form: ClassVar[Form] = "fraction"

    def rate(self, ranking: Ranking) -> np.ndarray:
        """Return the average precision [R]; NaN where no positive sample has weight."""
        precision_PR = divide(ranking.found, ranking.through, otherwise=0.0)
        return divide((ranking.weight * precision_PR).sum(0), ranking.weight.sum(0))
