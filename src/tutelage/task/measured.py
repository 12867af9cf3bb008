"""What evaluators share: which metrics they measure, what these are called in results, and how certain they are.

Shapes: R = resamples.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol, Self, TypeVar, runtime_checkable

import numpy as np

from tutelage.core import catalog
from tutelage.core.events import Event
from tutelage.core.seeds import derive
from tutelage.metric.base import Metric, Tally
from tutelage.planning.plan import Plan
from tutelage.task.base import Task

__all__ = ["Measured", "Remembering", "UnitTallies", "measured_metrics"]

TAILS = (0.025, 0.975)
NUM_RESAMPLES = 400
MAX_UNITS = 200
"""Units that are resampled, at most: of more, neighbors go together, which costs little certainty and much less time."""

Value = TypeVar("Value")


def measured_metrics(plan: Plan, *, is_watched: bool) -> tuple[Any, ...]:
    """Return the metrics for one part: the plan's, and the watched one where early stopping judges by its part.

    Args:
        plan: Names the metrics, and the watched one, which need not be among them.
        is_watched: Whether early stopping judges by this part.
    """
    metrics: tuple[Any, ...] = plan.metrics
    if is_watched and plan.watched not in {metric.kind for metric in metrics}:
        metrics = (*metrics, catalog.load("metric", plan.watched)())
    return metrics


class Measured:
    """An evaluator's metrics, with the names that they have in results.

    Attributes:
        name: The part's name, which begins the metrics' names, such as `val`.
        plan: Names the metrics; its seed decides on the intervals.
        is_watched: Whether early stopping judges by this part: then the watched metric is measured too.
    """

    name: str
    plan: Plan
    is_watched: bool

    @cached_property
    def metrics(self) -> tuple[Any, ...]:
        """What is measured."""
        return measured_metrics(self.plan, is_watched=self.is_watched)

    def tallies(self) -> list[Tally]:
        """Return a new tally for each metric."""
        return [metric.tally() for metric in self.metrics]

    def measure(self, outcomes: Iterable[Any]) -> dict[str, float]:
        """Return each metric over all outcomes by name, such as `val/accuracy`."""
        tallies = self.tallies()
        for outcome in outcomes:
            for tally in tallies:
                tally.add(outcome)
        return self.named(tally.value() for tally in tallies)

    def named(self, values: Iterable[Value]) -> dict[str, Value]:
        """Return what belongs to each metric, in their order, by name."""
        return {f"{self.name}/{metric.kind}": value for metric, value in zip(self.metrics, values, strict=True)}

    def some(self, count: int) -> Self:
        """Return itself: only rows that have nothing to do with each other can be left out."""
        return self

    def ready(self) -> None:
        """Do nothing: the first evaluation is like all others."""

    def guess(self) -> Mapping[str, float]:
        """Return what a trivial predictor reaches, by name: measured when it is first asked for."""
        return self._guessed

    @cached_property
    def _guessed(self) -> Mapping[str, float]:
        return self.measure_guess()

    def measure_guess(self) -> Mapping[str, float]:
        """Measure a trivial predictor; nothing, where a task does not know of one."""
        return {}

    def record(
        self, values: Mapping[str, float], *, intervals: Iterable[Sequence[float]], baseline: Mapping[str, float], described: str
    ) -> dict[str, Any]:
        """Return what result.json says of every part.

        Args:
            values: Each metric by name.
            intervals: Its 95 % interval, in the order of the metrics.
            baseline: What a trivial predictor reaches, by name.
            described: What that predictor is.
        """
        return {
            "metrics": dict(values),
            "intervals": self.named(list(ends) for ends in intervals),
            "baseline": {**baseline, "description": described},
        }

    def events(self, task: Task, *, step: int) -> Sequence[Event]:
        """Return nothing: the metrics say all."""
        return ()


@runtime_checkable
class Remembering(Protocol):
    """An evaluator whose events depend on earlier evaluations: what it has seen is saved with the training.

    Attributes:
        name: The part's name.
    """

    name: str

    def memory(self) -> Mapping[str, Any]:
        """Return what was seen so far, as JSON values."""

    def recall(self, memory: Mapping[str, Any]) -> None:
        """Go on from what `memory` returned."""


class UnitTallies:
    """One metric's tallies of what is drawn independently: pieces of a text, episodes; at most `MAX_UNITS` of them.

    Attributes:
        tallies: One for each unit, or for several neighbors.
    """

    def __init__(self, metric: Metric, *, num_units: int) -> None:
        """Begin with nothing; `num_units` are to come."""
        self.tallies: list[Tally] = []
        self._metric = metric
        self._per_tally = max(1, math.ceil(num_units / MAX_UNITS))
        self._count = 0

    def add(self, outcome: Any, *, unit: int | None = None) -> None:
        """Take a unit, or a piece of one: its number, which never falls; None = the next one."""
        number = self._count if unit is None else unit
        while len(self.tallies) <= number // self._per_tally:
            self.tallies.append(self._metric.tally())
        self.tallies[-1].add(outcome)
        self._count = number + 1

    def interval(self, *, seed: int, estimate: float) -> tuple[float, float]:
        """Return the ends of the metric's 95 % interval, from a bootstrap of the units; NaN for less than two of them."""
        size = len(self.tallies)
        if size < 2 or math.isnan(estimate):
            return math.nan, math.nan
        random = np.random.default_rng(derive(seed, "interval of units", size))
        values_R = np.array([self._joined(random.integers(size, size=size)) for _ in range(NUM_RESAMPLES)])
        values_R = values_R[~np.isnan(values_R)]
        if not len(values_R):
            return math.nan, math.nan
        low, high = np.quantile(values_R, TAILS)
        return min(float(low), estimate), max(float(high), estimate)

    def _joined(self, chosen: np.ndarray) -> float:
        """Return the metric over the chosen units, which may be named several times."""
        total = self._metric.tally()
        for number in chosen:
            total.merge(self.tallies[number])
        return total.value()
