"""Debiased expected calibration error: how far stated confidence is from the accuracy reached at it, freed of noise; 0 is honest.

Rows are cut into 15 bins of equally many rows by the probability of their predicted class. The plain error adds up distances
that are never negative, so that even an honest model has one, the larger the fewer rows there are; here that share is taken
off where a bin's distance is no larger than its noise, and what then is below 0 is told as 0. A model that says the same of
every row may be honest and worth nothing: look at the loss too.

Source: "On Calibration of Modern Neural Networks", Guo et al. 2017, arXiv 1706.04599, eq. 3; the need to take noise off:
"Verified Uncertainty Calibration", Kumar et al. 2019, arXiv 1909.10155, section 5.
Differs from the papers: bins of equal weight; distances, not squares, are freed of their noise: of distance d with standard
deviation s in an honest model, 2 / sqrt(pi) s exp(-d^2 / (2 s^2)) is taken off, whose mean is that of d.
"""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from tutelage.metric.base import Outcome
from tutelage.metric.calibration_interval import error_interval
from tutelage.metric.confidence import ConfidenceMetric
from tutelage.metric.reliability import NUM_BINS, debiased_error, equal_bins, top_label
from tutelage.metric.weighted import weights_of

__all__ = ["DebiasedError"]


class DebiasedError(ConfidenceMetric):
    """Calibration error of the predicted class in bins of equal weight, without what noise adds."""

    kind: Literal["ece"] = "ece"
    title: ClassVar[str] = "calibration error (debiased)"
    least: ClassVar[float] = 0.0
    bins: int = Field(NUM_BINS, ge=1, le=10**4, description="Number of bins of equally many rows.")

    def measure(self, confidence_N: np.ndarray, hit_N: np.ndarray, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R]."""
        return debiased_error(equal_bins(confidence_N, hit_N, weight_RN, num_bins=self.bins))

    def own_interval(
        self, outcome: Outcome, *, estimate: float, total: float, random: np.random.Generator
    ) -> tuple[float, float] | None:
        """Return the true errors under which what was measured would be no surprise."""
        bins = equal_bins(*top_label(outcome), weights_of(outcome), num_bins=self.bins)
        # What is told as 0 may have been below it, which tells more.
        found = float(debiased_error(bins)[0]) if estimate == self.least else estimate
        return error_interval(bins, min(found, estimate), rows=total, random=random)
