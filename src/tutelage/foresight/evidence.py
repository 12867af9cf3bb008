"""What measured runs teach about one that was not measured: a linear model of logarithms, its effects drawn towards a prior.

Each observation is a sum of effects: those that all share (such as the cost of each doubling of the devices), and those of its
group alone (its source, its device, its workload). Effects are normal around a prior, noise has heavy tails. It needs few rows,
never fits single ones, and says how sure it is. Not for thousands of rows: it solves one system as large as their number.

Source: Robinson, That BLUP is a good thing, 1991, eq. 1.2 (mixed model equations, here in the equivalent kernel form);
Lange et al., Robust statistical modeling using the t distribution, 1989, section 3 (weights of the noise).
Differs from the papers: the spreads of the effects are given, not estimated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Belief", "Effect", "Evidence", "Observation", "Parts"]

FREEDOM = 4.0
"""Degrees of freedom of the noise: runs that went wrong for reasons of their own count little."""
ROUNDS = 12
"""Of weighting anew; the weights change by less than a thousandth then."""

Parts = Mapping[str, tuple[str, float]]
"""Effects of one observation: name to (group, how often it counts); the group is empty for what all share."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What is believed of an effect before any row is seen, in logarithms.

    Attributes:
        mean: Expected size.
        sd: Standard deviation around it; between groups for the effect of a group.
    """

    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class Observation:
    """One measured run.

    Attributes:
        value: Logarithm of what was measured, less what physics explains.
        parts: The effects that it is made of.
    """

    value: float
    parts: Parts


@dataclass(frozen=True, slots=True)
class Belief:
    """A prediction, in logarithms.

    Attributes:
        mean: What is expected.
        variances: How much each effect, and `noise`, adds to the variance.
    """

    mean: float
    variances: Mapping[str, float]

    @property
    def sd(self) -> float:
        """Standard deviation of the prediction."""
        return float(np.sqrt(sum(self.variances.values())))


class Evidence:
    """Observations, put to use."""

    def __init__(self, observations: Sequence[Observation], *, effects: Mapping[str, Effect], noise: float) -> None:
        self.effects, self.noise, self._count = effects, noise, len(observations)
        self._columns = {name: _column(observations, name=name) for name in effects}
        kernel = np.zeros((self._count, self._count))
        for name, (groups, times) in self._columns.items():
            kernel += effects[name].sd ** 2 * np.outer(times, times) * (groups[:, None] == groups[None, :])
        residual = np.array([item.value - self._expected(item.parts) for item in observations])
        spread = np.full(self._count, noise**2)
        self._solved: np.ndarray = residual
        self._inverse: np.ndarray = kernel
        for _ in range(ROUNDS if self._count else 0):
            self._inverse = np.linalg.inv(kernel + np.diag(spread))
            self._solved = self._inverse @ residual
            left = residual - kernel @ self._solved
            spread = noise**2 * (FREEDOM + (left / noise) ** 2) / (FREEDOM + 1)

    def predict(self, parts: Parts) -> Belief:
        """Return what is believed of a run of these effects."""
        alone = {name: self._shared(name, part=part) for name, part in parts.items()}
        near = np.sum(list(alone.values()), axis=0)
        mean = self._expected(parts) + float(near @ self._solved)
        variances = {"noise": self.noise**2}
        for name, part in parts.items():
            explained = float(alone[name] @ self._inverse @ near)
            variances[name] = max(0.0, (part[1] * self.effects[name].sd) ** 2 - explained)
        return Belief(mean, variances)

    def learned(self, names: Sequence[str]) -> dict[str, Effect]:
        """Return what is believed now of effects that all share."""
        beliefs = {name: self.predict({name: ("", 1.0)}) for name in names}
        return {name: Effect(belief.mean, float(np.sqrt(belief.variances[name]))) for name, belief in beliefs.items()}

    def _expected(self, parts: Parts) -> float:
        """Return the prior expectation."""
        return sum(self.effects[name].mean * times for name, (_, times) in parts.items())

    def _shared(self, name: str, *, part: tuple[str, float]) -> np.ndarray:
        """Return the prior covariance with each observation through one effect."""
        groups, times = self._columns[name]
        shared: np.ndarray = self.effects[name].sd ** 2 * part[1] * times * (groups == part[0])
        return shared


def _column(observations: Sequence[Observation], *, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return group and size of one effect in each observation."""
    parts = [item.parts.get(name, ("", 0.0)) for item in observations]
    return np.array([group for group, _ in parts], dtype=object), np.array([times for _, times in parts], dtype=float)
