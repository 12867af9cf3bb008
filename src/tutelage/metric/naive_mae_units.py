"""Mean absolute error of seasonal-naive in the unit of the series: what saying the last season again would be off by.

It does not depend on the model, and stands beside `mae_units` to compare with.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Outcome
from tutelage.metric.forecast_outcome import ForecastOutcome, example_forecasts
from tutelage.metric.weighted import MeanMetric

__all__ = ["NaiveErrorInUnits"]


class NaiveErrorInUnits(MeanMetric):
    """Mean of seasonal-naive's absolute errors, each in the unit of its series."""

    kind: Literal["naive_mae_units"] = "naive_mae_units"
    title: ClassVar[str] = "MAE of seasonal-naive in units"
    greater_is_better: ClassVar[bool] = False
    answers: ClassVar[str] = "forecasts"
    is_yardstick: ClassVar[bool] = True
    """It says nothing of the forecast that is measured."""

    def values(self, outcome: Outcome) -> np.ndarray:
        """Return the size of each error [N]."""
        assert isinstance(outcome, ForecastOutcome)
        assert outcome.naive is not None
        assert outcome.unit is not None
        size_N: np.ndarray = np.abs(outcome.naive - outcome.target) * outcome.unit
        return size_N

    @classmethod
    def examples(cls, seed: int) -> ForecastOutcome:
        """Return an outcome to try the metric on."""
        return example_forecasts(seed)
