"""Metrics of a task on one part made of rows, batch by batch: only sums and a sample of rows are kept, never all predictions."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from torch import nn

from tutelage.core import catalog
from tutelage.core.events import Event
from tutelage.data.target.base import Target
from tutelage.metric.base import Metric, Outcome
from tutelage.metric.interval import interval
from tutelage.metric.sample import OutcomeSample
from tutelage.planning.plan import Plan
from tutelage.task.answering import answer_batches
from tutelage.task.base import Task
from tutelage.task.rows import PreparedPart, RowsData

__all__ = ["Judge", "RowsEvaluator", "Shown", "measure"]

NUM_WORST = 24


class Shown(Protocol):
    """Collects what the report shows beside the scores, such as a confusion matrix."""

    def add(self, outcome: Outcome) -> None:
        """Take a batch."""

    def record(self, sample: Outcome) -> dict[str, Any]:
        """Return it for result.json, given a sample of all rows."""


class Judge(Protocol):
    """What an evaluator asks of a task: a trivial baseline, how wrong an answer is, how to say it, what to show."""

    def baseline(self, train_truth: np.ndarray, target: Target, *, size: int) -> tuple[np.ndarray, str]:
        """Return a trivial predictor's predictions for `size` rows, and what it is."""

    def mistakes(self, outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
        """Return how wrong each prediction is, float64 [N], and which count as mistakes, bool [N]."""

    def say_mistake(self, outcome: Outcome, row: int, *, target: Target) -> dict[str, Any]:
        """Return truth and prediction of one row for people."""

    def shown(self, target: Target) -> Shown:
        """Return a new collector of what the report shows."""


@dataclass(frozen=True)
class RowsEvaluator:
    """One part of the data with the metrics to compute on it.

    Attributes:
        name: The part's name, which begins the metrics' names, such as `val`.
        prepared: Its rows with their truth.
        data: Train rows and target, for baseline and names.
        judge: The task's knowledge.
        plan: Metrics, device, precision.
        answering: Makes the module that answers out of a task's present network.
        is_watched: Whether early stopping judges by this part: then the watched metric is measured too.
        batch_size: Rows at a time.
    """

    name: str
    prepared: PreparedPart
    data: RowsData
    judge: Judge
    plan: Plan
    answering: Callable[[Task], nn.Module]
    is_watched: bool = False
    batch_size: int = 512

    def __len__(self) -> int:
        return len(self.prepared)

    def __call__(self, task: Task) -> dict[str, float]:
        """Return each metric by name, such as `val/accuracy`."""
        values = measure(self.metrics, (outcome for _, outcome in self.outcomes(task)))
        return {self._key(metric): value for metric, value in zip(self.metrics, values, strict=True)}

    def final(self, task: Task) -> dict[str, Any]:
        """Return metrics, intervals, baseline, the worst mistakes, and what the task shows."""
        target = self._target
        tallies = [metric.tally() for metric in self.metrics]
        trivial = [metric.tally() for metric in self.metrics]
        sample, shown, worst = OutcomeSample(seed=self.plan.seed), self.judge.shown(target), _Worst()
        described = ""
        for rows, outcome in self.outcomes(task):
            guess, described = self.judge.baseline(self._train_truth, target, size=len(rows))
            for tally, plain in zip(tallies, trivial, strict=True):
                tally.add(outcome)
                plain.add(Outcome(guess, outcome.target))
            sample.add(outcome, rows)
            shown.add(outcome)
            worst.add(rows, outcome, *self.judge.mistakes(outcome))
        values = {self._key(metric): tally.value() for metric, tally in zip(self.metrics, tallies, strict=True)}
        rows_kept = sample.outcome()
        ends = {
            key: list(interval(metric, rows_kept, seed=self.plan.seed, estimate=values[key], total=len(self)))
            for key, metric in ((self._key(metric), metric) for metric in self.metrics)
        }
        plain_values = {self._key(metric): tally.value() for metric, tally in zip(self.metrics, trivial, strict=True)}
        return {
            "metrics": values,
            "intervals": ends,
            "baseline": {**plain_values, "description": described},
            "worst": [self._mistake(row, loss, outcome, place) for row, loss, outcome, place in worst.best()],
            **shown.record(rows_kept),
        }

    def events(self, task: Task, *, step: int) -> Sequence[Event]:
        """Return nothing: the metrics say all."""
        return ()

    def outcomes(self, task: Task) -> Iterator[tuple[np.ndarray, Outcome]]:
        """Yield row numbers and predictions beside the truth, batch by batch, in the user's unit."""
        truth = self.prepared.truth
        assert truth is not None
        batches = answer_batches(
            self.answering(task),
            self.prepared.rows,
            batch_size=self.batch_size,
            device=self.plan.device,
            precision=self.plan.precision,
        )
        for numbers, answers in batches:
            rows = numbers.numpy()
            yield rows, Outcome(self._target.decode(answers.double().numpy()), truth[rows])

    @cached_property
    def metrics(self) -> list[Metric]:
        """The plan's metrics, and the watched one where this part is judged by it."""
        metrics: list[Metric] = list(self.plan.metrics)
        if self.is_watched and self.plan.watched not in {kind_of(metric) for metric in metrics}:
            metrics.append(catalog.load("metric", self.plan.watched)())
        return metrics

    @property
    def _target(self) -> Target:
        assert self.data.target is not None
        return self.data.target

    @property
    def _train_truth(self) -> np.ndarray:
        assert self.data.train.truth is not None
        return self.data.train.truth

    def _key(self, metric: Metric) -> str:
        return f"{self.name}/{kind_of(metric)}"

    def _mistake(self, row: int, loss: float, outcome: Outcome, place: int) -> dict[str, Any]:
        """Return one mistake with what is needed to look at it."""
        said = self.judge.say_mistake(outcome, place, target=self._target)
        part = self.prepared.part
        return {"name": part.locate(row), "loss": loss, **said, **part.show(row)}


class _Worst:
    """The rows with the largest loss among the mistakes, seen batch by batch."""

    def __init__(self) -> None:
        self._kept: list[tuple[float, int, Outcome, int]] = []

    def add(self, rows: np.ndarray, outcome: Outcome, loss: np.ndarray, is_mistake: np.ndarray) -> None:
        """Take a batch."""
        places = np.flatnonzero(is_mistake)
        order = places[np.argsort(-loss[places], kind="stable")][:NUM_WORST]
        one = [
            (
                float(loss[place]),
                int(rows[place]),
                Outcome(outcome.prediction[place : place + 1], outcome.target[place : place + 1]),
                0,
            )
            for place in order
        ]
        self._kept = sorted([*self._kept, *one], key=lambda item: (-item[0], item[1]))[:NUM_WORST]

    def best(self) -> list[tuple[int, float, Outcome, int]]:
        """Return row, loss, and where its prediction is, the worst first."""
        return [(row, loss, outcome, place) for loss, row, outcome, place in self._kept]


def measure(metrics: Sequence[Metric], outcomes: Iterator[Outcome]) -> list[float]:
    """Return each metric over all batches."""
    tallies = [metric.tally() for metric in metrics]
    for outcome in outcomes:
        for tally in tallies:
            tally.add(outcome)
    return [tally.value() for tally in tallies]


def kind_of(metric: Metric) -> str:
    """Return the name of a metric in results."""
    return str(getattr(metric, "kind", ""))
