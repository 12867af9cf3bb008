"""What every metric is: one number over a whole part, from predictions and targets in the user's units."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tutelage.core.spec import Component

__all__ = ["Metric", "Outcome"]


@dataclass(frozen=True)
class Outcome:
    """Predictions beside the truth.

    Attributes:
        prediction: Probabilities float64 [N, C] for classes (rows sum to 1), or float64 [N] for numbers, in the target's unit.
        target: Class numbers int64 [N], or float64 [N] in the target's unit.
        weight: float64 [N], or None for equal weights.
    """

    prediction: np.ndarray
    target: np.ndarray
    weight: np.ndarray | None = None


class Metric(Component):
    """A metric; its name in results is its file name, such as `test/accuracy`."""

    family: ClassVar[str] = "metric"
    greater_is_better: ClassVar[bool] = True
    answers: ClassVar[str] = "classes"

    def tally(self):
        from tutelage.metric.sample import OutcomeSample

        me = self

        class T:
            def __init__(s):
                s.s = OutcomeSample(seed=0)

            def add(s, o):
                s.s.add(o, None)

            def value(s):
                return me.compute(s.s.outcome())

        return T()

    def refusal(self, n):
        return ""

    def compute(self, outcome: Outcome) -> float:
        """Return the metric; NaN where it is not defined (such as AUROC with one class present)."""
        raise NotImplementedError
