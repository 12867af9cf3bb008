"""Bits per character: the surprise of a language model at the next character, on average, in bits; 0 is perfect.

A text of N characters would take N times as many bits, packed by a coder that asks the model. 1 bit is 0.69 nats.
"""

import math
from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Metric, Tally
from tutelage.metric.tally import Sums, SumTally, mean_of
from tutelage.metric.token_outcome import TokenOutcome, sum_surprise

__all__ = ["BitsPerCharacter"]


class BitsPerCharacter(Metric):
    """Nats per character over log(2)."""

    kind: Literal["bits_per_character"] = "bits_per_character"
    greater_is_better: ClassVar[bool] = False
    answers: ClassVar[str] = "tokens"
    title: ClassVar[str] = "bits per character"

    def tally(self) -> Tally:
        """Return a tally of sums."""
        return SumTally(sum_surprise, _in_bits)

    @classmethod
    def examples(cls, seed: int) -> TokenOutcome:
        """Return an outcome to try the metric on."""
        return TokenOutcome(-np.random.default_rng(seed).exponential(1.5, 200))


def _in_bits(sums: Sums) -> np.ndarray:
    """Return the mean surprise in bits."""
    return mean_of(sums) / math.log(2)
