"""Nats per character: how surprised a language model is by the next character, on average; 0 is perfect.

Guessing among V characters alike costs log(V); 1 nat is 1.44 bits.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from tutelage.metric.base import Metric

__all__ = ["NatsPerCharacter", "TokenOutcome"]


@dataclass(frozen=True)
class TokenOutcome:
    """What a language model said of the next tokens: float64 [N], the logarithm of each right token's probability."""

    log_likelihood: np.ndarray


class NatsPerCharacter(Metric):
    """Minus the mean log-likelihood."""

    kind: Literal["nats_per_character"] = "nats_per_character"
    greater_is_better: ClassVar[bool] = False
    answers: ClassVar[str] = "tokens"
    title: ClassVar[str] = "nats per character"

    def tally(self) -> "LikelihoodTally":
        """Return sums over no tokens yet."""
        return LikelihoodTally()

    def compute(self, outcome: Any) -> float:
        """Return the metric of one outcome."""
        tally = self.tally()
        tally.add(outcome)
        return tally.value()

    @classmethod
    def examples(cls, seed: int) -> TokenOutcome:
        """Return an outcome to try the metric on."""
        return TokenOutcome(-np.random.default_rng(seed).exponential(1.5, 200))


class LikelihoodTally:
    """Sum and number of log-likelihoods."""

    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0.0

    def add(self, outcome: TokenOutcome) -> None:
        """Take a batch."""
        self._sum += float(outcome.log_likelihood.sum())
        self._count += len(outcome.log_likelihood)

    def merge(self, other: "LikelihoodTally") -> None:
        """Take what another process saw."""
        self._sum += other._sum
        self._count += other._count

    def value(self) -> float:
        """Return the mean; NaN without tokens."""
        return -self._sum / self._count if self._count else float("nan")

    def state(self) -> dict[str, np.ndarray]:
        """Return the sums."""
        return {"sums": np.array([self._sum, self._count])}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take up sums."""
        self._sum, self._count = (float(value) for value in state["sums"])
