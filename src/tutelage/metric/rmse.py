"""Root mean squared error: the typical size of an error, large ones counting more, in the target's unit.

Never below `mae`; far above it where a few errors are very large.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Outcome
from tutelage.metric.tally import Sums, mean_of
from tutelage.metric.weighted import MeanMetric

__all__ = ["RootMeanSquaredError"]


class RootMeanSquaredError(MeanMetric):
    """Root of the mean of squared errors."""

    kind: Literal["rmse"] = "rmse"
    title: ClassVar[str] = "RMSE"
    greater_is_better: ClassVar[bool] = False
    answers: ClassVar[str] = "numbers"
    unit: ClassVar[Literal["", "target"]] = "target"

    def values(self, outcome: Outcome) -> np.ndarray:
        """Return each squared error [N]."""
        square_N: np.ndarray = (outcome.prediction - outcome.target) ** 2
        return square_N

    def finish(self, sums: Sums) -> np.ndarray:
        """Return the root of the mean [R]."""
        root_R: np.ndarray = np.sqrt(mean_of(sums))
        return root_R
