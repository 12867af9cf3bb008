"""Recall: the share of a class that is predicted as it; of real samples, those that lie near generated ones.

Use it where a miss is costly. Averaged alike it is `balanced_accuracy`, but a class that is only predicted counts as 0.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Form, Tally
from tutelage.metric.counts import AveragedMetric, ClassCounts
from tutelage.metric.neighbors import EitherTally, sample_tally
from tutelage.metric.weighted import divide

__all__ = ["Recall"]


class Recall(AveragedMetric):
    """Recall averaged over the classes that occur; 0 for a class without samples."""

    kind: Literal["recall"] = "recall"
    title: ClassVar[str] = "recall"
    form: ClassVar[Form] = "percent"
    also_answers: ClassVar[tuple[str, ...]] = ("samples",)

    def tally(self) -> Tally:
        """Return a tally that takes rows, or generated samples."""
        return EitherTally(super().tally(), sample_tally(is_precise=False))

    def scores(self, counts: ClassCounts) -> np.ndarray:
        """Return the score of each class [R, C]."""
        return divide(counts.right, counts.true, otherwise=0.0)
