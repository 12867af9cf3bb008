"""How our metrics of rows are computed: once for many weightings of the same rows, which is what a bootstrap needs.

Most are functions of weighted sums over rows: `weigh` makes the sums, `finish` the metric, and one pass over everything,
batch by batch, and a bootstrap are the same few lines.

Shapes: R = weightings, N = rows, C = classes. A plain evaluation is R = 1.
"""

import math
from typing import Any, ClassVar

import numpy as np

from tutelage.metric.base import Metric, Outcome, Tally
from tutelage.metric.tally import Sums, SumTally, add_sums, mean_of

__all__ = ["MeanMetric", "ProportionMetric", "SummedMetric", "WeightedMetric", "divide", "sum_by_class", "weights_of"]


class WeightedMetric(Metric):
    """A metric that is a function of weighted rows; a subclass says only how, in `evaluate`.

    Attributes:
        least: What is told of smaller values: these come of noise that was taken off.
    """

    least: ClassVar[float] = -math.inf

    def compute(self, outcome: Any) -> float:
        """Return the metric; NaN where it is not defined, or without rows; of what is no rows, what its tally says."""
        if not isinstance(outcome, Outcome):
            return super().compute(outcome)
        if len(outcome.target) == 0:
            return float("nan")
        return float(np.maximum(self.evaluate(outcome, weights_of(outcome))[0], self.least))

    def evaluate(self, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R] for each row of weights, in place of the outcome's own; NaN where not defined."""
        raise NotImplementedError

    def own_interval(
        self, outcome: Outcome, *, estimate: float, total: float, random: np.random.Generator
    ) -> tuple[float, float] | None:
        """Return the ends of the 95 % interval where the metric has a better way than resampling; None where it has not.

        Args:
            outcome: The rows that were measured, or a random sample of them.
            estimate: The metric over all rows.
            total: How many equally weighted rows these tell as much as.
            random: What it may draw from.
        """
        return None

    @classmethod
    def examples(cls, seed: int) -> Outcome:
        """Return an outcome to try the metric on."""
        return EXAMPLES[cls.answers](np.random.default_rng(seed))


class SummedMetric(WeightedMetric):
    """A metric that is a function of sums over rows."""

    def weigh(self, outcome: Outcome, weight_RN: np.ndarray) -> Sums:
        """Return the sums, each [R, ...], for each row of weights in place of the outcome's own."""
        raise NotImplementedError

    def combine(self, one: Sums, other: Sums) -> Sums:
        """Return the sums over both."""
        return add_sums(one, other)

    def finish(self, sums: Sums) -> np.ndarray:
        """Return the metric [R]; NaN where not defined."""
        raise NotImplementedError

    def evaluate(self, outcome: Outcome, weight_RN: np.ndarray) -> np.ndarray:
        """Return the metric [R]."""
        return self.finish(self.weigh(outcome, weight_RN))

    def tally(self) -> Tally:
        """Return a tally of sums."""
        return SumTally(self._sums, self.finish, combine=self.combine)

    def _sums(self, outcome: Outcome) -> Sums:
        return self.weigh(outcome, weights_of(outcome)) if len(outcome.target) else {}


class MeanMetric(SummedMetric):
    """A metric that is a mean over rows."""

    def values(self, outcome: Outcome) -> np.ndarray:
        """Return what is averaged, float64 [N]."""
        raise NotImplementedError

    def weigh(self, outcome: Outcome, weight_RN: np.ndarray) -> Sums:
        """Return the sum of the values and that of the weights, each [R]."""
        return {"sum": weight_RN @ self.values(outcome), "weight": weight_RN.sum(1)}

    def finish(self, sums: Sums) -> np.ndarray:
        """Return the mean [R]."""
        return mean_of(sums)

    @classmethod
    def noise(cls, value: float, *, num_rows: int) -> float:
        """Return the standard error of a mean of amounts that are spread as widely as they are large, as losses are."""
        return abs(value) / math.sqrt(max(num_rows, 1))


class ProportionMetric(MeanMetric):
    """A metric that is a share of rows; its interval has a formula."""

    def hits(self, outcome: Outcome) -> np.ndarray:
        """Return bool [N]: which rows count."""
        raise NotImplementedError

    def values(self, outcome: Outcome) -> np.ndarray:
        """Return 1 for the rows that count and 0 for the others."""
        return self.hits(outcome).astype(np.float64)

    @classmethod
    def noise(cls, value: float, *, num_rows: int) -> float:
        """Return the standard error of a share of rows."""
        return math.sqrt(max(value * (1 - value), 0.0) / max(num_rows, 1))


def weights_of(outcome: Outcome) -> np.ndarray:
    """Return the weights of the rows, float64 [1, N]."""
    return (np.ones(len(outcome.target)) if outcome.weight is None else outcome.weight)[None]


def divide(numerator: np.ndarray, denominator: np.ndarray, *, otherwise: float = np.nan) -> np.ndarray:
    """Return the quotient, and `otherwise` where the denominator is 0."""
    shape = np.broadcast_shapes(numerator.shape, denominator.shape)
    quotient: np.ndarray = np.divide(numerator, denominator, out=np.full(shape, otherwise), where=denominator != 0)
    return quotient


def sum_by_class(weight_RN: np.ndarray, class_N: np.ndarray, num_classes: int) -> np.ndarray:
    """Return [R, C]: the weight of the rows in each class."""
    order = np.argsort(class_N, kind="stable")
    present, starts = np.unique(class_N[order], return_index=True)
    sums_RC = np.zeros((len(weight_RN), num_classes))
    if len(present):
        sums_RC[:, present] = np.add.reduceat(weight_RN[:, order], starts, axis=1)
    return sums_RC


def _class_example(random: np.random.Generator, *, size: int = 90, classes: int = 7) -> Outcome:
    """Return honest probabilities: classes are drawn by them."""
    prediction = random.dirichlet(np.full(classes, 0.5), size)
    target = (prediction.cumsum(1) < random.random((size, 1))).sum(1).clip(max=classes - 1)
    return Outcome(prediction, target)


def _number_example(random: np.random.Generator, *, size: int = 90) -> Outcome:
    """Return predictions that explain four fifths of the variance."""
    prediction = 5.0 + random.standard_normal(size)
    return Outcome(prediction, prediction + 0.5 * random.standard_normal(size))


EXAMPLES = {"classes": _class_example, "numbers": _number_example}
"""What to try a metric on, by the kind of its answers."""
