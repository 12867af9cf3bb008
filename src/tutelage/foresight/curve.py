"""A learning curve on a scale on which curves of all metrics are alike: the logarithm of what a score lacks to a perfect one.

Losses lack their distance to 0, accuracies that to 1. Where no score is perfect, as of returns, the scale is the span of the
curve so far. On both, smaller is better.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tutelage.foresight.convergence import LEAST_POINTS, extrapolated

__all__ = ["Curve", "Scale", "scale_of"]

SMALLEST = 1e-3
"""Of what the worst score so far lacks: who lacks less is perfect."""
LEAST_WORST = 1e-100
"""What the worst score has to lack at least: of less no share can be told from 0."""
LAST = 2
"""Evaluations whose mean is where the curve stands now."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Evaluations so far.

    Attributes:
        steps: Rising, all > 0; at least one.
        values: Scores, as they are, all finite.
        perfect: The best score that there can be; None where there is none.
    """

    steps: Sequence[float]
    values: Sequence[float]
    perfect: float | None


@dataclass(frozen=True, slots=True)
class Scale:
    """How scores become comparable.

    Attributes:
        sign: -1 where greater scores are better, else 1.
        origin: What a score is measured from.
        unit: The smallest that a score may lack; without a perfect score, what counts as 1.
        is_log: Whether there is a perfect score.
    """

    sign: float
    origin: float
    unit: float
    is_log: bool

    def onto(self, values: Sequence[float] | np.ndarray) -> np.ndarray:
        """Return scores on this scale."""
        lacks = self.sign * (np.asarray(values, dtype=float) - self.origin)
        return np.log(np.maximum(lacks, self.unit)) if self.is_log else lacks / self.unit

    def back(self, scaled: np.ndarray) -> np.ndarray:
        """Return the scores that values on this scale stand for."""
        if not self.is_log:
            return self.origin + self.sign * scaled * self.unit
        lacks = np.exp(np.minimum(scaled, 700.0))
        # What lacks next to nothing is perfect, so that a target which is perfect can be reached.
        return self.origin + self.sign * np.where(lacks <= self.unit, 0.0, lacks)

    def level(self, curve: Curve) -> float:
        """Return where a curve stands now."""
        return float(self.onto(curve.values)[-LAST:].mean())

    def drop(self, curve: Curve) -> tuple[float, float]:
        """Return how much was gained so far, and how much of that in the second half."""
        scaled = self.onto(curve.values)
        return float(scaled[0] - scaled[-1]), float(scaled[len(scaled) // 2] - scaled[-1])

    def extrapolated(self, curve: Curve, *, ahead: np.ndarray) -> np.ndarray | None:
        """Return how a curve may go on at the steps ahead, float64 [draws, steps ahead]; None where it is too short."""
        if len(curve.steps) < LEAST_POINTS:
            return None
        lacks = self.sign * (np.asarray(curve.values, dtype=float) - self.origin)
        drawn = extrapolated(curve.steps, lacks.tolist(), ahead=ahead.tolist(), least=0.0 if self.is_log else -math.inf)
        return np.log(np.maximum(drawn, self.unit)) if self.is_log else drawn / self.unit


def scale_of(curve: Curve, *, greater_is_better: bool) -> Scale:
    """Return the scale of a curve."""
    sign, values = (-1.0 if greater_is_better else 1.0), np.asarray(curve.values, dtype=float)
    if curve.perfect is not None:
        worst = float((sign * (values - curve.perfect)).max())
        if worst > LEAST_WORST and float((sign * (values - curve.perfect)).min()) >= 0:
            return Scale(sign, curve.perfect, SMALLEST * worst, is_log=True)
    span = float(values.max() - values.min())
    unit = span if span > LEAST_WORST else max(abs(float(values[0])), 1.0)
    return Scale(sign, float(values[0]), unit, is_log=False)
