"""Nats per character: how surprised a language model is by the next character, on average; 0 is perfect.

Guessing among V characters alike costs log(V); 1 nat is 1.44 bits. What a token is does not matter, so that models of
characters, bytes and pieces of words compare.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Metric, Tally
from tutelage.metric.tally import SumTally, mean_of
from tutelage.metric.token_outcome import TokenOutcome, sum_surprise

__all__ = ["NatsPerCharacter"]


class NatsPerCharacter(Metric):
    """Minus the log-likelihood of all tokens, over the number of their characters."""

    kind: Literal["nats_per_character"] = "nats_per_character"
    greater_is_better: ClassVar[bool] = False
    answers: ClassVar[str] = "tokens"
    title: ClassVar[str] = "nats per character"

    def tally(self) -> Tally:
        """Return a tally of sums."""
        return SumTally(sum_surprise, mean_of)

    @classmethod
    def examples(cls, seed: int) -> TokenOutcome:
        """Return an outcome to try the metric on."""
        return TokenOutcome(-np.random.default_rng(seed).exponential(1.5, 200))
