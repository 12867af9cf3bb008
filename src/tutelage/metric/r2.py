"""R2: the share of the target's variance that the predictions explain; 1 is perfect, 0 is predicting the mean.

Below 0 where the model is worse than the mean. NaN where the target does not vary.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Form, Outcome
from tutelage.metric.tally import Sums
from tutelage.metric.weighted import SummedMetric, divide

__all__ = ["R2"]

ROUNDING = 4 * float(np.finfo(np.float64).eps)


class R2(SummedMetric):
    """Coefficient of determination, 1 - (squared error) / (variance of the target)."""

    kind: Literal["r2"] = "r2"
    title: ClassVar[str] = "R²"
    form: ClassVar[Form] = "fraction"
    answers: ClassVar[str] = "numbers"

    def weigh(self, outcome: Outcome, weight_RN: np.ndarray) -> Sums:
        """Return sums of squared errors and of the target about a center, each [R].

        About a center, since the difference of two means of squares would lose its digits far from 0.
        """
        target_N, weight_R = outcome.target, weight_RN.sum(1)
        # Within the range of the target, so that one that does not vary is its own center, to the last bit.
        center = np.clip(divide(weight_RN.sum(0) @ target_N, weight_R.sum(), otherwise=0.0), target_N.min(), target_N.max())
        centered_N = target_N - center
        return {
            "weight": weight_R,
            "error": weight_RN @ np.square(outcome.prediction - target_N),
            "center": np.full(len(weight_R), center),
            "first": weight_RN @ centered_N,
            "second": weight_RN @ np.square(centered_N),
        }

    def combine(self, one: Sums, other: Sums) -> Sums:
        """Bring both to a center between the two, and add.

        Source: "Algorithms for Computing the Sample Variance", Chan, Golub and LeVeque 1983, The American Statistician 37(3).
        Differs from the paper: the centers need not be the means.
        """
        share = divide(other["weight"], one["weight"] + other["weight"], otherwise=0.0)
        center = one["center"] + (other["center"] - one["center"]) * share
        moved = [_about(sums, center) for sums in (one, other)]
        return {name: moved[0][name] + moved[1][name] for name in one if name != "center"} | {"center": center}

    def finish(self, sums: Sums) -> np.ndarray:
        """Return the metric [R]."""
        first_R, second_R = divide(sums["first"], sums["weight"]), divide(sums["second"], sums["weight"])
        variance_R = second_R - first_R**2
        # What rounding leaves of a target that does not vary.
        square_R = second_R + 2 * sums["center"] * first_R + sums["center"] ** 2
        least_R = ROUNDING**2 * square_R + ROUNDING * second_R
        return 1 - divide(divide(sums["error"], sums["weight"]), np.where(variance_R <= least_R, 0.0, variance_R))


def _about(sums: Sums, center: np.ndarray) -> Sums:
    """Return the sums about another center."""
    step = sums["center"] - center
    first = sums["first"] + sums["weight"] * step
    return sums | {"first": first, "second": sums["second"] + step * (sums["first"] + first)}
