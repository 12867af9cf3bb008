"""What a language model said of the next tokens, and the sums that its metrics are made of."""

from dataclasses import dataclass

import numpy as np

from tutelage.metric.tally import Sums

__all__ = ["TokenOutcome", "sum_surprise"]


@dataclass(frozen=True)
class TokenOutcome:
    """What a language model said of the next tokens.

    Attributes:
        log_likelihood: float64 [N], the logarithm of each right token's probability.
        num_characters: float64 [N], how many characters begin in each of them; None where each is one character.
    """

    log_likelihood: np.ndarray
    num_characters: np.ndarray | None = None


def sum_surprise(outcome: TokenOutcome) -> Sums:
    """Return the sum of the surprise and the number of characters."""
    surprise, counts = -outcome.log_likelihood, outcome.num_characters
    weight = float(len(surprise)) if counts is None else float(counts.sum())
    return {"sum": surprise.sum(keepdims=True, dtype=np.float64), "weight": np.array([weight])}
