"""Log loss: minus the logarithm of the probability given to the right class, on average, in nats; 0 is perfect.

A model that knows nothing about C classes scores log(C). It judges the probabilities, not only the decisions.
Of a language model the classes are tokens: it is the nats a token.
"""

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Outcome
from tutelage.metric.tally import Sums
from tutelage.metric.token_outcome import TokenOutcome, sum_surprise
from tutelage.metric.weighted import MeanMetric

__all__ = ["LogLoss"]

LEAST = float(np.finfo(np.float64).eps)
"""Probabilities are held this far from 0 and 1, so that one certain mistake costs 36 nats, not infinity."""


class LogLoss(MeanMetric):
    """Cross-entropy of the predicted probabilities."""

    kind: Literal["loss"] = "loss"
    title: ClassVar[str] = "loss"
    greater_is_better: ClassVar[bool] = False
    also_answers: ClassVar[tuple[str, ...]] = ("tokens",)

    def values(self, outcome: Outcome) -> np.ndarray:
        """Return the loss of each row [N]."""
        right_N = np.take_along_axis(outcome.prediction, outcome.target[:, None], axis=1)[:, 0]
        loss_N: np.ndarray = -np.log(np.clip(right_N, LEAST, 1 - LEAST))
        return loss_N

    def _sums(self, outcome: Outcome | TokenOutcome) -> Sums:
        """Return the sums over rows, or over tokens."""
        return sum_surprise(TokenOutcome(outcome.log_likelihood)) if isinstance(outcome, TokenOutcome) else super()._sums(outcome)
