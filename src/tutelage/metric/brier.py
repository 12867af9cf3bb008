"""Brier score: squared distance between probabilities and truth; 0 is perfect, lower is better.

Two classes: mean of (p1 - y)^2, 0 to 1, 0.25 for p1 = 0.5. More: mean over samples of the sum over classes, 0 to 2.

Source: "Verification of Forecasts Expressed in Terms of Probability", Brier 1950, eq. 2.
Differs from the paper: with two classes half of it, as is usual now.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Form, Outcome
from tutelage.metric.weighted import MeanMetric

__all__ = ["Brier"]


class Brier(MeanMetric):
    """Mean squared error of the probabilities."""

    kind: Literal["brier"] = "brier"
    title: ClassVar[str] = "Brier score"
    form: ClassVar[Form] = "fraction"
    greater_is_better: ClassVar[bool] = False

    def values(self, outcome: Outcome) -> np.ndarray:
        """Return the squared distance of each row [N]."""
        classes = outcome.prediction.shape[1]
        truth_NC = np.arange(classes) == outcome.target[:, None]
        distance_N: np.ndarray = ((outcome.prediction - truth_NC) ** 2).sum(1)
        return distance_N / 2 if classes == 2 else distance_N
