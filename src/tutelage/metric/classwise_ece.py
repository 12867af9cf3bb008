"""Class-wise calibration error: how far the probability stated for each class is from its frequency, freed of noise; 0 is honest.

The mean over classes. Unlike `ece` it looks at the probabilities of all classes, not of the predicted one alone; of many
classes most probabilities are near 0, and so is this.

Source: "Beyond Temperature Scaling", Kull et al. 2019, arXiv 1910.12656, eq. 3.
Differs from the paper: bins of equal weight, noise is taken off as in `ece`.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Form, Outcome, Tally
from tutelage.metric.reliability import debiased_error, equal_bins
from tutelage.metric.tally import Columns, ColumnTally
from tutelage.metric.weighted import WeightedMetric, weights_of

__all__ = ["ClasswiseError"]


class ClasswiseError(WeightedMetric):
    """Mean over classes of the debiased calibration error of their probability."""

    kind: Literal["classwise_ece"] = "classwise_ece"
    title: ClassVar[str] = "calibration error (class-wise)"
    form: ClassVar[Form] = "fraction"
    greater_is_better: ClassVar[bool] = False
    noise_raises: ClassVar[bool] = True
    least: ClassVar[float] = 0.0

    def evaluate(self, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R]."""
        return _measure(outcome.prediction, outcome.target, weight_RN)

    def tally(self) -> Tally:
        """Return a tally that keeps all probabilities: 4 bytes a row and class."""
        return ColumnTally(_keep, self._finish)

    def _finish(self, columns: Columns) -> float:
        prediction, target, weight = (columns[name].astype(np.float64) for name in ("prediction", "target", "weight"))
        return self.compute(Outcome(prediction, target, weight))


def _measure(prediction_NC: np.ndarray, target_N: np.ndarray, weight_RN: np.ndarray) -> np.ndarray:
    classes = prediction_NC.shape[1]
    # Of two classes both say the same.
    numbers = [1] if classes == 2 else range(classes)
    errors = [debiased_error(equal_bins(prediction_NC[:, c], (target_N == c).astype(np.float64), weight_RN)) for c in numbers]
    return np.asarray(np.mean(errors, axis=0))


def _keep(outcome: Outcome) -> Columns:
    """Return what is needed of each row."""
    return {"prediction": outcome.prediction, "target": outcome.target, "weight": weights_of(outcome)[0]}
