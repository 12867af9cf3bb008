"""F1 score: the harmonic mean of precision and recall, averaged over classes; 0 to 1.

F1 = 2 * right / (true + predicted). Use it where classes are unequal in size and both kinds of error matter.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Form
from tutelage.metric.counts import AveragedMetric, ClassCounts
from tutelage.metric.weighted import divide

__all__ = ["F1"]


class F1(AveragedMetric):
    """F1 averaged over the classes that occur; 0 for a class without right predictions."""

    kind: Literal["f1"] = "f1"
    title: ClassVar[str] = "F1"
    form: ClassVar[Form] = "percent"

    def scores(self, counts: ClassCounts) -> np.ndarray:
        """Return the score of each class [R, C]."""
        return divide(2 * counts.right, counts.true + counts.predicted, otherwise=0.0)
