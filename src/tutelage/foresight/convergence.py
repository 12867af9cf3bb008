"""How a learning curve goes on: extrapolated from its beginning, with how unsure that is.

Several families of falling curves are fitted to the logarithm of what is above their limit, each limit of a grid by least
squares; they are weighted by how well fits to the beginning foretell the last part. Residuals are drawn again in blocks, since
those of neighbours are alike, and each draw is fitted anew: so the spread holds what is unknown of the curve and the noise.

Source: extrapolating by weighted families, Speeding up Automatic Hyperparameter Optimization of Deep Neural Networks by
Extrapolation of Learning Curves (Domhan et al. 2015, section 3); block bootstrap, The Jackknife and the Bootstrap for General
Stationary Observations (Kunsch 1989, section 2.2).
Differs from the papers: families are linear given their limit, so least squares on a grid takes the place of sampling parameters.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["LEAST_POINTS", "extrapolated"]

LEAST_POINTS = 4
"""Evaluations without which nothing is extrapolated."""
LIMITS = np.concatenate([[0.0], np.geomspace(1e-2, 3.0, 120)])
"""How far the limit of a curve lies below its best value, in spans of the curve."""
TEMPER, SHARED = 0.5, 0.4
"""Power of the weights of families, and the share that all have alike: a short curve tells them hardly apart."""
FREE = 3
"""Numbers that are fitted: residuals are smaller than the noise by as many."""
HELD_OUT = 0.3
"""Share of the curve, its last part, that fits are weighted by."""
DRAWS, SEED = 200, 11
LATE = 0.25
"""By how much a curve begins to fall late, in units of the last step."""
FAMILIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "power": np.log,
    "late power": lambda steps: np.log(steps + LATE),
    "stretched": np.sqrt,
    "exponential": lambda steps: steps,
}
"""How the steps enter each family: log(value - limit) is linear in it."""


@dataclass(frozen=True, slots=True)
class _Fit:
    """One fitted curve: limit + exp(intercept - rate x family(steps))."""

    family: str
    limit: float
    intercept: float
    rate: float
    origin: np.ndarray

    def at(self, steps: np.ndarray) -> np.ndarray:
        """Return its values."""
        entered = _entered(self.family, self.origin, steps)
        return self.limit + np.exp(np.minimum(self.intercept - self.rate * entered, 700.0))


def extrapolated(steps: Sequence[float], values: Sequence[float], *, ahead: Sequence[float], least: float) -> np.ndarray:
    """Return how a curve may go on: float64 [draws, steps ahead], without the noise of evaluations.

    Args:
        steps: Of each evaluation so far, rising, all > 0; at least `LEAST_POINTS`.
        values: What it gave; smaller is better.
        ahead: The steps that are asked for.
        least: What no value is below, such as 0 of a loss.
    """
    times, curve, asked = (np.asarray(each, dtype=float) for each in (steps, values, ahead))
    return np.stack([np.maximum(fit.at(asked), least) for fit in _drawn(times, curve, least=least)])


def _drawn(steps: np.ndarray, values: np.ndarray, *, least: float = -math.inf) -> list[_Fit]:
    """Return fits to curves whose residuals are drawn anew, each of a family drawn by its weight."""
    if len(steps) < LEAST_POINTS:
        raise ValueError(f"{len(steps)} evaluations, expected at least {LEAST_POINTS} to extrapolate a curve")
    random = np.random.default_rng(SEED)
    names, weights = list(FAMILIES), _weights(steps, values, least=least)
    fits = {name: _fitted(name, steps, values, least=least) for name in names}
    length = max(round(len(steps) ** (1 / 3)), 1)
    drawn: list[_Fit] = []
    for name in random.choice(names, DRAWS, p=weights):
        smooth = fits[name].at(steps)
        residuals = (values - smooth) * math.sqrt(len(steps) / max(len(steps) - FREE, 1))
        begins = random.integers(0, len(steps) - length + 1, -(-len(steps) // length))
        again = np.concatenate([residuals[begin : begin + length] for begin in begins])[: len(steps)]
        drawn.append(_fitted(name, steps, smooth + again, least=least))
    return drawn


def _weights(steps: np.ndarray, values: np.ndarray, *, least: float) -> np.ndarray:
    """Return how likely each family is, by what its fit to the beginning says of the rest."""
    cut = max(len(steps) - max(int(HELD_OUT * len(steps)), 1), 3)
    errors = []
    for name in FAMILIES:
        fit = _fitted(name, steps[:cut], values[:cut], least=least)
        errors.append(float(np.mean((fit.at(steps[cut:]) - values[cut:]) ** 2)))
    floor = max(_noise(steps, values) ** 2, 1e-18)
    scores = -0.5 * (len(steps) - cut) * np.log(np.array(errors) + floor)
    weights = np.exp(TEMPER * (scores - scores.max()))
    return np.asarray((1 - SHARED) * weights / weights.sum() + SHARED / len(FAMILIES))


def _fitted(family: str, steps: np.ndarray, values: np.ndarray, *, least: float) -> _Fit:
    """Return the best curve of a family, of those that fall or stay, with a limit that is not below the least."""
    entered = _entered(family, steps, steps)
    span = max(float(values.max() - values.min()), 1e-6 * float(np.abs(values).max()), 1e-12)
    centred = entered - entered.mean()
    spread = float(centred @ centred) or 1.0
    nearest = float(values.min()) - 1e-4 * span
    limits = np.clip(values.min() - span * LIMITS, min(least, nearest), nearest)
    logs = np.log(values - limits[:, None])
    rates = np.maximum(-(logs @ centred) / spread, 0.0)
    intercepts = logs.mean(axis=1) + rates * entered.mean()
    fitted = limits[:, None] + np.exp(np.minimum(intercepts[:, None] - rates[:, None] * entered, 700.0))
    best = int(np.argmin(((fitted - values) ** 2).mean(axis=1)))
    return _Fit(family, float(limits[best]), float(intercepts[best]), float(rates[best]), steps)


def _entered(family: str, origin: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Return how steps enter a family that was fitted to others, in units of the last of these."""
    return FAMILIES[family](steps / origin[-1])


def _noise(steps: np.ndarray, values: np.ndarray) -> float:
    """Return the standard deviation of an evaluation around the curve, from its second differences, which hold no trend."""
    if len(steps) < LEAST_POINTS:
        return 0.0
    seconds = np.diff(values, n=2)
    return float(np.median(np.abs(seconds - np.median(seconds)))) * 1.4826 / math.sqrt(6)
