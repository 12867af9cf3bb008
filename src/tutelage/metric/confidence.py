"""What metrics of calibration share: they are functions of all rows' confidence and of whether it was right.

A tally keeps of each row the confidence, whether it was right, and the weight: 6 bytes where these are float32 in truth.
"""

from typing import ClassVar

import numpy as np

from tutelage.metric.base import Form, Outcome, Tally
from tutelage.metric.reliability import top_label
from tutelage.metric.tally import Columns, ColumnTally
from tutelage.metric.weighted import WeightedMetric, weights_of

__all__ = ["ConfidenceMetric"]


class ConfidenceMetric(WeightedMetric):
    """A metric of the predicted class's probability, and of how often that class is right."""

    form: ClassVar[Form] = "fraction"
    greater_is_better: ClassVar[bool] = False
    noise_raises: ClassVar[bool] = True

    def measure(self, confidence_N: np.ndarray, hit_N: np.ndarray, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R]; NaN where not defined."""
        raise NotImplementedError

    def evaluate(self, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R]."""
        return self.measure(*top_label(outcome), weight_RN)

    def tally(self) -> Tally:
        """Return a tally that keeps confidences."""
        return ColumnTally(_keep, self._finish)

    def _finish(self, columns: Columns) -> float:
        values = [columns[name].astype(np.float64) for name in ("confidence", "hit", "weight")]
        return float(np.maximum(self.measure(values[0], values[1], values[2][None])[0], self.least))


def _keep(outcome: Outcome) -> Columns:
    """Return what is needed of each row."""
    confidence_N, hit_N = top_label(outcome) if len(outcome.target) else (np.empty(0), np.empty(0))
    return {"confidence": confidence_N, "hit": hit_N, "weight": weights_of(outcome)[0]}
