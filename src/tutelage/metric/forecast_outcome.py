"""What was forecast beside what was measured, value by value, with what seasonal-naive says, and the size of a unit."""

from dataclasses import dataclass

import numpy as np

from tutelage.metric.base import Outcome

__all__ = ["ForecastOutcome", "example_forecasts"]


@dataclass(frozen=True)
class ForecastOutcome(Outcome):
    """Forecasts of measured values, all on the standardized scale.

    Attributes:
        prediction: float64 [N].
        target: What was measured, float64 [N].
        weight: As in `Outcome`.
        naive: What the last season says, float64 [N].
        unit: What 1 is in the unit of each value's series, float64 [N], > 0.
        low: Lower end of the 80 % band, float64 [N], NaN where a series has none; None while there are no bands.
        high: Its upper end.
    """

    naive: np.ndarray | None = None
    unit: np.ndarray | None = None
    low: np.ndarray | None = None
    high: np.ndarray | None = None


def example_forecasts(seed: int) -> ForecastOutcome:
    """Return an outcome to try a metric on."""
    random = np.random.default_rng(seed)
    target = random.normal(size=120)
    noise = random.normal(size=(2, 120))
    told, unit = target + 0.3 * noise[0], random.choice([2.0, 5.0], 120)
    return ForecastOutcome(told, target, None, target + 0.6 * noise[1], unit, told - 0.3, told + 0.3)
