"""What a step takes beyond its operators, learned from steps of ours that were measured whole on this machine.

Operators are measured alone and warm; within a step they find other numbers in the caches, wait for Python, and the loop around
them takes its share. Few weights say how much: they are fitted to the measured steps, each pulled towards what is usual, so
that a handful of steps suffices.

Source: ridge regression with non-negative weights, Lawson and Hanson, "Solving Least Squares Problems", 1974, chapter 23.
Differs from the book: deviations count relative to what was measured.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import nnls

from tutelage.hardware.measured import OwnStep

__all__ = ["Calibration", "features_of", "spread_of"]

PRODUCTS = ("matmul", "convolution", "depthwise_convolution", "attention", "recurrent")
CALLS = "calls"
USUAL: Mapping[str, float] = {
    "products": 1.05,
    "moves": 1.3,
    "calls": 2.0,
    "steps": 2e-4,
    "rows": 0.0,
    "acts": 5e-5,
    "environment": 1.0,
}
"""Each weight where nothing was measured: operators take a little longer than alone, calls longer than in a chain of one kind."""
TRUST: Mapping[str, float] = {
    "products": 0.1,
    "moves": 0.4,
    "calls": 2.0,
    "steps": 1e-3,
    "rows": 1e-6,
    "acts": 1e-3,
    "environment": 0.1,
}
"""How far each may lie from the usual: a standard deviation."""
USUAL_SPREAD, BELIEF = 0.2, 10
"""Spread of forecasts where nothing was measured, and how many measured steps it weighs as much as."""
LEAST_SECONDS = 1e-9
NOISE = 0.05
"""How exact a step is known, as a fraction."""


@dataclass(frozen=True)
class Calibration:
    """Weights of what a step consists of.

    Attributes:
        weights: Seconds, or a factor on seconds, for each feature.
    """

    weights: Mapping[str, float]

    @classmethod
    def fit(cls, steps: Sequence[OwnStep]) -> "Calibration":
        """Return the weights that explain measured steps, near the usual ones."""
        names = list(USUAL)
        rows = [[step.features.get(name, 0.0) / step.seconds / NOISE for name in names] for step in steps]
        rows += [[1 / TRUST[name] if name == other else 0.0 for other in names] for name in names]
        wanted = [1 / NOISE for _ in steps] + [USUAL[name] / TRUST[name] for name in names]
        scale = np.array([TRUST[name] for name in names])
        found, _ = nnls(np.array(rows) * scale, np.array(wanted))
        return cls(dict(zip(names, (found * scale).tolist(), strict=True)))

    def parts(self, features: Mapping[str, float]) -> dict[str, float]:
        """Return the seconds of each feature."""
        return {name: self.weights[name] * features.get(name, 0.0) for name in self.weights}

    def seconds(self, features: Mapping[str, float]) -> float:
        """Return the seconds of a step."""
        return sum(self.parts(features).values())


def spread_of(steps: Sequence[OwnStep]) -> float:
    """Return the standard deviation of the logarithm of forecasts: each step of ours is foreseen from the others of its style.

    Source: leave-one-out cross-validation (Stone, "Cross-Validatory Choice and Assessment of Statistical Predictions", 1974).
    Differs from the paper: a few steps say little, so what is usual weighs as much as some of them.
    """
    found = []
    for step in steps:
        others = [other for other in steps if other.style == step.style and other != step]
        foreseen = max(Calibration.fit(others).seconds(step.features), LEAST_SECONDS)
        found.append(math.log(foreseen / step.seconds))
    return math.sqrt((BELIEF * USUAL_SPREAD**2 + sum(value**2 for value in found)) / (BELIEF + len(found)))


def features_of(parts: Mapping[str, float], **others: Any) -> dict[str, float]:
    """Return what a step consists of: seconds of operators by what limits them, and counts.

    Args:
        parts: Seconds by class of operators, as a device model says them.
        others: Further features, such as `rows` and `acts`.
    """
    products = sum(seconds for name, seconds in parts.items() if name in PRODUCTS)
    calls = parts.get(CALLS, 0.0)
    return {"products": products, "moves": sum(parts.values()) - products - calls, "calls": calls, "steps": 1.0, **others}
