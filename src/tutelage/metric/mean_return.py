"""Mean return: the sum of rewards of an episode, on average over episodes."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from tutelage.metric.base import Metric

__all__ = ["MeanReturn", "EpisodeOutcome"]


@dataclass(frozen=True)
class EpisodeOutcome:
    """Returns float64 [N] and lengths int64 [N] of whole episodes."""

    returns: np.ndarray
    lengths: np.ndarray


class MeanReturn(Metric):
    """Mean over episodes."""

    kind: Literal["mean_return"] = "mean_return"
    answers: ClassVar[str] = "episodes"
    title: ClassVar[str] = "mean return"

    def tally(self) -> "ReturnTally":
        """Return sums over no episodes yet."""
        return ReturnTally()

    def compute(self, outcome: Any) -> float:
        """Return the metric of one outcome."""
        tally = self.tally()
        tally.add(outcome)
        return tally.value()

    @classmethod
    def examples(cls, seed: int) -> EpisodeOutcome:
        """Return an outcome to try the metric on."""
        random = np.random.default_rng(seed)
        return EpisodeOutcome(random.normal(50.0, 10.0, 30), random.integers(1, 100, 30))


class ReturnTally:
    """Sum and number of returns."""

    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0.0

    def add(self, outcome: EpisodeOutcome) -> None:
        """Take episodes."""
        self._sum += float(outcome.returns.sum())
        self._count += len(outcome.returns)

    def merge(self, other: "ReturnTally") -> None:
        """Take what another process saw."""
        self._sum += other._sum
        self._count += other._count

    def value(self) -> float:
        """Return the mean; NaN without episodes."""
        return self._sum / self._count if self._count else float("nan")

    def state(self) -> dict[str, np.ndarray]:
        """Return the sums."""
        return {"sums": np.array([self._sum, self._count])}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Take up sums."""
        self._sum, self._count = (float(value) for value in state["sums"])
