"""Mean absolute error of forecasts in the unit of their series: by how much a forecast is off, on average.

Over several series in different units it is a mean of unlike things: read it by series in the report.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Outcome
from tutelage.metric.forecast_outcome import ForecastOutcome, example_forecasts
from tutelage.metric.weighted import MeanMetric

__all__ = ["ErrorInUnits"]


class ErrorInUnits(MeanMetric):
    """Mean of absolute errors, each in the unit of its series."""

    kind: Literal["mae_units"] = "mae_units"
    title: ClassVar[str] = "MAE in units"
    greater_is_better: ClassVar[bool] = False
    answers: ClassVar[str] = "forecasts"

    def values(self, outcome: Outcome) -> np.ndarray:
        """Return the size of each error [N]."""
        assert isinstance(outcome, ForecastOutcome)
        assert outcome.unit is not None
        size_N: np.ndarray = np.abs(outcome.prediction - outcome.target) * outcome.unit
        return size_N

    @classmethod
    def examples(cls, seed: int) -> ForecastOutcome:
        """Return an outcome to try the metric on."""
        return example_forecasts(seed)
