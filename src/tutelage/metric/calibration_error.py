"""Expected calibration error: how far stated confidence is from the accuracy reached at that confidence; 0 to 1.

Samples are put into bins by the probability of their predicted class; the error is the mean over bins of
|mean confidence - accuracy|, weighted by their samples. It needs some hundred samples to mean anything.

Source: "On Calibration of Modern Neural Networks", Guo et al. 2017, arXiv 1706.04599, eq. 3.
Differs from the paper: none.
"""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from tutelage.metric.base import Form, Outcome
from tutelage.metric.tally import Sums
from tutelage.metric.weighted import SummedMetric, divide, sum_by_class

__all__ = ["CalibrationError"]


class CalibrationError(SummedMetric):
    """Calibration error of the predicted class in bins of equal width."""

    kind: Literal["calibration_error"] = "calibration_error"
    title: ClassVar[str] = "calibration error"
    form: ClassVar[Form] = "fraction"
    greater_is_better: ClassVar[bool] = False
    bins: int = Field(15, ge=1, le=10**6, description="Number of equal bins of confidence between 0 and 1.")

    def weigh(self, outcome: Outcome, weight_RN: np.ndarray) -> Sums:
        """Return how much confidence exceeds accuracy in each bin, [R, K], and the weight of all, [R]."""
        confidence_N = outcome.prediction.max(1)
        # Bins are open below and closed above, as in the paper: confidence 1 belongs to the last one.
        bin_N = np.clip(np.ceil(confidence_N * self.bins).astype(np.int64) - 1, 0, self.bins - 1)
        gap_N = confidence_N - (outcome.prediction.argmax(1) == outcome.target)
        return {"gap": sum_by_class(weight_RN * gap_N, bin_N, self.bins), "weight": weight_RN.sum(1)}

    def finish(self, sums: Sums) -> np.ndarray:
        """Return the metric [R]."""
        return divide(np.abs(sums["gap"]).sum(1), sums["weight"])
