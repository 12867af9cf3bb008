"""Nats per character: how surprised a language model is by the next character, on average; 0 is perfect.

Guessing among V characters alike costs log(V); 1 nat is 1.44 bits.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Metric, Tally
from tutelage.metric.tally import Sums, SumTally, mean_of

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

    def tally(self) -> Tally:
        """Return a tally of sums."""
        return SumTally(_sums, mean_of)

    @classmethod
    def examples(cls, seed: int) -> TokenOutcome:
        """Return an outcome to try the metric on."""
        return TokenOutcome(-np.random.default_rng(seed).exponential(1.5, 200))


def _sums(outcome: TokenOutcome) -> Sums:
    """Return the sum of the surprise and the number of tokens."""
    surprise = -outcome.log_likelihood
    return {"sum": surprise.sum(keepdims=True, dtype=np.float64), "weight": np.array([float(len(surprise))])}
