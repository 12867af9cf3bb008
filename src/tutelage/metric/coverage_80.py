"""Share of measured values within the 80 % bands of forecasts; 0.8 where the bands are as wide as they should be."""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Form, Outcome
from tutelage.metric.forecast_outcome import ForecastOutcome, example_forecasts
from tutelage.metric.tally import Sums
from tutelage.metric.weighted import MeanMetric

__all__ = ["BandCoverage"]


class BandCoverage(MeanMetric):
    """Share of values between the levels 0.1 and 0.9."""

    kind: Literal["coverage_80"] = "coverage_80"
    title: ClassVar[str] = "within 80 % bands"
    form: ClassVar[Form] = "percent"
    answers: ClassVar[str] = "forecasts"
    needs_bands: ClassVar[bool] = True
    """Bands are known when training has ended: while training, there is nothing to measure."""

    def values(self, outcome: Outcome) -> np.ndarray:
        """Return 1 where a value is within its band, else 0 [N]."""
        assert isinstance(outcome, ForecastOutcome)
        assert outcome.low is not None
        assert outcome.high is not None
        inside_N: np.ndarray = (outcome.low <= outcome.target) & (outcome.target <= outcome.high)
        return inside_N.astype(np.float64)

    def weigh(self, outcome: Outcome, weight_RN: np.ndarray) -> Sums:
        """Return the sums over values that have a band: without one, its ends are NaN."""
        assert isinstance(outcome, ForecastOutcome)
        assert outcome.low is not None
        return super().weigh(outcome, weight_RN * np.isfinite(outcome.low))

    @classmethod
    def examples(cls, seed: int) -> ForecastOutcome:
        """Return an outcome to try the metric on."""
        return example_forecasts(seed)
