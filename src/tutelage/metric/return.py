"""Return: the sum of rewards of an episode, on average over episodes."""  # noqa: N999 - the metric's name

from typing import ClassVar, Literal

import numpy as np

from tutelage.metric.base import Metric, Tally
from tutelage.metric.episodes import EpisodeOutcome
from tutelage.metric.tally import Sums, SumTally, mean_of

__all__ = ["MeanReturn"]


class MeanReturn(Metric):
    """Mean over episodes."""

    kind: Literal["return"] = "return"
    answers: ClassVar[str] = "episodes"
    title: ClassVar[str] = "return"

    def tally(self) -> Tally:
        """Return a tally of sums."""
        return SumTally(_sums, mean_of)

    @classmethod
    def examples(cls, seed: int) -> EpisodeOutcome:
        """Return an outcome to try the metric on."""
        random = np.random.default_rng(seed)
        return EpisodeOutcome(random.normal(50.0, 10.0, 30), random.integers(1, 100, 30))


def _sums(outcome: EpisodeOutcome) -> Sums:
    """Return the sum of the returns and the number of episodes."""
    return {"sum": outcome.returns.sum(keepdims=True, dtype=np.float64), "weight": np.array([float(len(outcome.returns))])}
