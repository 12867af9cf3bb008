"""Precision: the share of what is predicted as a class that belongs to it; of generated samples, those that lie near real ones.

Use it where a false alarm is costly.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Form, Tally
from tutelage.metric.counts import AveragedMetric, ClassCounts
from tutelage.metric.neighbors import EitherTally, sample_tally
from tutelage.metric.weighted import divide

__all__ = ["Precision"]


class Precision(AveragedMetric):
    """Precision averaged over the classes that occur; 0 for a class without predictions."""

    kind: Literal["precision"] = "precision"
    title: ClassVar[str] = "precision"
    form: ClassVar[Form] = "percent"
    also_answers: ClassVar[tuple[str, ...]] = ("samples",)

    def tally(self) -> Tally:
        """Return a tally that takes rows, or generated samples."""
        return EitherTally(super().tally(), sample_tally(is_precise=True))

    def scores(self, counts: ClassCounts) -> np.ndarray:
        """Return the score of each class [R, C]."""
        return divide(counts.right, counts.predicted, otherwise=0.0)
