"""Metrics of a task on one part made of rows, batch by batch: what metrics tally and a sample of rows are kept."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from torch import nn

from tutelage.data.target.base import Target
from tutelage.metric.base import Outcome, Tally
from tutelage.metric.interval import interval
from tutelage.metric.sample import OutcomeSample
from tutelage.planning.plan import Plan
from tutelage.task.answering import answer_batches
from tutelage.task.base import Task
from tutelage.task.beside import ALONE, Beside, mixed
from tutelage.task.measured import Measured
from tutelage.task.reliability import Reliability, honest_metrics
from tutelage.task.rows import PreparedPart, RowsData

__all__ = ["CommonAnswer", "Judge", "RowsEvaluator", "Shown"]

NUM_WORST = 24


@dataclass(frozen=True, slots=True)
class CommonAnswer:
    """What a model answers most often.

    Attributes:
        answer: In words.
        fraction: Of all rows, how many get it.
        truth_fraction: Of all rows, how many it is true for.
    """

    answer: str
    fraction: float
    truth_fraction: float


class Shown(Protocol):
    """Collects what the report shows beside the scores, such as a confusion matrix."""

    def add(self, outcome: Outcome) -> None:
        """Take a batch."""

    def record(self, sample: Outcome) -> dict[str, Any]:
        """Return it for result.json, given a sample of all rows."""


class Honest(Protocol):
    """Makes answers honest when training has ended."""

    def apply(self, answers: np.ndarray) -> np.ndarray:
        """Return answers as they leave, [N] or [N, C]."""


class Judge(Protocol):
    """What an evaluator asks of a task: a trivial baseline, how wrong an answer is, how to say it, what to show."""

    mistake_noun: ClassVar[str]

    def baseline(self, train_truth: np.ndarray, target: Target, *, size: int) -> tuple[np.ndarray, str]:
        """Return a trivial predictor's predictions for `size` rows, and what it is."""

    def mistakes(self, outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
        """Return how wrong each prediction is, float64 [N], and which count as mistakes, bool [N]."""

    def say_mistake(self, outcome: Outcome, row: int, *, target: Target) -> dict[str, Any]:
        """Return truth and prediction of one row for people."""

    def shown(self, target: Target) -> Shown:
        """Return a new collector of what the report shows."""


@dataclass(frozen=True)
class RowsEvaluator(Measured):
    """One part of the data with the metrics to compute on it.

    Attributes:
        name: The part's name, which begins the metrics' names, such as `val`.
        prepared: Its rows with their truth.
        data: Train rows and target, for baseline and names.
        judge: The task's knowledge.
        plan: Metrics, device, precision.
        answering: Makes the module that answers out of a task's present network.
        is_watched: Whether early stopping judges by this part: then the watched metric is measured too.
        beside: The floor beside the network; None where there is none. While training, the network alone is measured.
        honest: Changes the answers that leave; None where they stay as they are.
        is_last: Whether it is the part that the report shows.
        batch_size: Rows at a time.
    """

    name: str
    prepared: PreparedPart
    data: RowsData
    judge: Judge
    plan: Plan
    answering: Callable[[Task], nn.Module]
    is_watched: bool = False
    beside: Beside | None = None
    honest: Honest | None = None
    is_last: bool = True
    batch_size: int = 512

    def __len__(self) -> int:
        return len(self.prepared)

    def __call__(self, task: Task) -> dict[str, float]:
        """Return each metric by name, such as `val/accuracy`."""
        return self.measure(outcome for _, outcome in self.outcomes(task))

    def some(self, count: int) -> Self:
        """Return what measures at most so many of the rows, evenly spaced."""
        return replace(self, prepared=self.prepared.some(count))

    def final(self, task: Task) -> dict[str, Any]:
        """Return metrics, intervals, baseline, the worst mistakes, and what the task shows."""
        tallies, alone, floor = self.tallies(), self.tallies(), self.tallies()
        sample, shown, worst = OutcomeSample(seed=self.plan.seed), self.judge.shown(self._target), _Worst()
        reliability = self._reliability()
        for rows, network in self.outcomes(task):
            before = network.prediction
            if self.beside is not None:
                answers = self.beside.answers(self.prepared)[rows]
                before = mixed(network.prediction, answers, share=self.beside.share)
                for tally in alone:
                    tally.add(network)
                for tally in floor:
                    tally.add(Outcome(answers, network.target))
            outcome = Outcome(before if self.honest is None else self.honest.apply(before), network.target)
            if reliability is not None:
                reliability.add(before, outcome, rows)
            for tally in tallies:
                tally.add(outcome)
            sample.add(outcome, rows)
            shown.add(outcome)
            worst.add(rows, outcome, *self.judge.mistakes(outcome))
        kept, values = sample.outcome(), self.named(tally.value() for tally in tallies)
        intervals = [
            interval(metric, kept, seed=self.plan.seed, estimate=value, total=len(self))
            for metric, value in zip(self.metrics, values.values(), strict=True)
        ]
        _, described = self.judge.baseline(self._train_truth, self._target, size=1)
        scored = self.record(values, intervals=intervals, baseline=self.guess(), described=described)
        return {
            **(scored if reliability is None else reliability.added_to(scored)),
            "worst": [self._mistake(row, loss, outcome) for loss, row, outcome in worst.kept],
            **shown.record(kept),
            **self._say_beside(alone, floor),
        }

    def _reliability(self) -> Reliability | None:
        """Return a new collector of how honest probabilities are; None where there are none, or another part is shown."""
        if not self._target.classes or not self.is_last:
            return None
        return Reliability(self.name, seed=self.plan.seed, scored=honest_metrics(self.plan.metrics, self._target))

    def answered(self, task: Task) -> Outcome:
        """Return the network's answers for all rows beside the truth."""
        found = [outcome for _, outcome in self.outcomes(task)]
        prediction, target = (np.concatenate([getattr(each, key) for each in found]) for key in ("prediction", "target"))
        return Outcome(prediction, target)

    def leaving(self, task: Task, network: Outcome | None = None) -> Outcome:
        """Return the answers for all rows as they leave, before they are calibrated, beside the truth.

        Args:
            task: With the weights that leave.
            network: The network's own, where somebody has asked for them already.
        """
        found = self.answered(task) if network is None else network
        if self.beside is None or self.beside.share == ALONE:
            return found
        return Outcome(mixed(found.prediction, self.beside.answers(self.prepared), share=self.beside.share), found.target)

    def choose(self, network: Outcome) -> str:
        """Decide by this part and the network's answers whether it, the floor or both leave the training, and return why."""
        assert self.beside is not None
        self.beside.choose(network.prediction, scale=self.judge)
        return self.beside.reason

    def _say_beside(self, alone: Sequence[Tally], floor: Sequence[Tally]) -> dict[str, Any]:
        """Return what result.json says of the floor: what each of the two reaches alone."""
        if self.beside is None:
            return {}
        scores = {name: self.named(tally.value() for tally in each) for name, each in (("network", alone), ("floor", floor))}
        return {"floor": {**self.beside.record(), "metrics": scores}}

    def measure_guess(self) -> Mapping[str, float]:
        """Return what the trivial predictor of the task reaches."""
        truth = self.prepared.truth
        assert truth is not None
        # What is trivial does not depend on the row, so that one batch of it serves all.
        guess, _ = self.judge.baseline(self._train_truth, self._target, size=self.batch_size)
        batches = (truth[begin : begin + self.batch_size] for begin in range(0, len(truth), self.batch_size))
        return self.measure(Outcome(guess[: len(batch)], batch) for batch in batches)

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

    @property
    def _target(self) -> Target:
        assert self.data.target is not None
        return self.data.target

    @property
    def _train_truth(self) -> np.ndarray:
        assert self.data.train.truth is not None
        return self.data.train.truth

    def _mistake(self, row: int, loss: float, outcome: Outcome) -> dict[str, Any]:
        """Return one mistake with what is needed to look at it; the outcome is that of the row alone."""
        said = self.judge.say_mistake(outcome, 0, target=self._target)
        part = self.prepared.part
        return {"name": part.locate(row), "loss": loss, **said, **part.show(row)}


class _Worst:
    """The rows with the largest loss among the mistakes, seen batch by batch.

    Attributes:
        kept: Loss, row and the outcome of that row alone, the worst first.
    """

    def __init__(self) -> None:
        self.kept: list[tuple[float, int, Outcome]] = []

    def add(self, rows: np.ndarray, outcome: Outcome, loss: np.ndarray, is_mistake: np.ndarray) -> None:
        """Take a batch."""
        places = np.flatnonzero(is_mistake)
        worst = places[np.argsort(-loss[places], kind="stable")][:NUM_WORST]
        # A copy, since a view of one row would keep its whole batch in memory.
        found = [(float(loss[i]), int(rows[i]), Outcome(outcome.prediction[[i]], outcome.target[[i]])) for i in worst]
        self.kept = sorted([*self.kept, *found], key=lambda item: (-item[0], item[1]))[:NUM_WORST]
