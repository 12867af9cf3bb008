"""How our metrics are computed: once for many weightings of the same samples, which is what a bootstrap needs.

Shapes: R = weightings, N = samples, C = classes. A plain evaluation is R = 1.
"""

import numpy as np

from tutelage.metric.base import Metric, Outcome

__all__ = ["ProportionMetric", "WeightedMetric", "sum_by_class"]


class WeightedMetric(Metric):
    """A metric that is a function of weighted samples; a subclass says only how, in `evaluate`."""

    def compute(self, outcome: Outcome) -> float:
        """Return the metric; NaN where it is not defined, or without samples."""
        if len(outcome.target) == 0:
            return float("nan")
        weight = np.ones(len(outcome.target)) if outcome.weight is None else outcome.weight
        return float(self.evaluate(outcome, weight[None])[0])

    def evaluate(self, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R] for each row of weights, in place of the outcome's own; NaN where not defined."""
        raise NotImplementedError


class ProportionMetric(WeightedMetric):
    """A metric that is a share of samples; its interval has a formula."""

    def hits(self, outcome: Outcome) -> np.ndarray:
        """Return bool [N]: which samples count."""
        raise NotImplementedError

    def evaluate(self, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
        """Return the share [R]."""
        return mean(self.hits(outcome).astype(np.float64), weight_RN)


def mean(value_N: np.ndarray, weight_RN: np.ndarray) -> np.ndarray:
    """Return the weighted means [R]; NaN where all weights are 0."""
    return divide(weight_RN @ value_N, weight_RN.sum(1))


def divide(numerator: np.ndarray, denominator: np.ndarray, *, otherwise: float = np.nan) -> np.ndarray:
    """Return the quotient, and `otherwise` where the denominator is 0."""
    shape = np.broadcast_shapes(numerator.shape, denominator.shape)
    quotient: np.ndarray = np.divide(numerator, denominator, out=np.full(shape, otherwise), where=denominator != 0)
    return quotient


def sum_by_class(weight_RN: np.ndarray, class_N: np.ndarray, num_classes: int) -> np.ndarray:
    """Return [R, C]: the weight of the samples in each class."""
    order = np.argsort(class_N, kind="stable")
    present, starts = np.unique(class_N[order], return_index=True)
    sums_RC = np.zeros((len(weight_RN), num_classes))
    if len(present):
        sums_RC[:, present] = np.add.reduceat(weight_RN[:, order], starts, axis=1)
    return sums_RC
