"""What a model is asked about rows, and how good its answers are: each metric and its interval, batch by batch."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from tutelage.core.errors import DataError, DataProblem
from tutelage.data.part.base import RowsPart
from tutelage.data.target.base import Target
from tutelage.metric.base import Outcome
from tutelage.metric.interval import interval
from tutelage.metric.sample import OutcomeSample
from tutelage.planning.plan import Plan
from tutelage.run.collect import refuse_bad
from tutelage.task.reliability import honest_metrics

__all__ = ["ask_rows", "measure_batches", "metrics_of"]

Reply = TypeVar("Reply")


def metrics_of(plan: Plan, target: Target | None) -> tuple[Any, ...]:
    """Return what a trained model is measured by: the plan's metrics, of classes the calibration error beside the log loss."""
    return (*plan.metrics, *honest_metrics(plan.metrics, target))


def measure_batches(
    batches: Iterator[tuple[np.ndarray, np.ndarray]],
    truth: np.ndarray,
    *,
    metrics: Sequence[Any],
    seed: int,
    part: str = "test",
) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Return each metric and its 95 % interval; predictions are not kept.

    Args:
        batches: Row numbers int64 [B], and answers for these rows in the user's unit.
        truth: What is right for each row, [N].
        metrics: What to measure.
        seed: Root of the intervals' randomness.
        part: What the names of the metrics begin with.
    """
    named = {f"{part}/{metric.kind}": metric for metric in metrics}
    tallies = {name: metric.tally() for name, metric in named.items()}
    sample = OutcomeSample(seed=seed)
    for numbers, answers in batches:
        outcome = Outcome(answers, truth[numbers])
        sample.add(outcome, numbers)
        for tally in tallies.values():
            tally.add(outcome)
    values, kept = {name: tally.value() for name, tally in tallies.items()}, sample.outcome()
    intervals = {
        name: list(interval(metric, kept, seed=seed, estimate=values[name], total=len(truth))) for name, metric in named.items()
    }
    return values, intervals


def ask_rows(
    part: RowsPart, ask: Callable[[RowsPart], Reply], *, on_bad_data: str
) -> tuple[RowsPart, Reply, tuple[DataProblem, ...]]:
    """Ask something about all rows; return those that it could be told of, the reply, and what is wrong with the others.

    Raises:
        DataError: Rows were refused and must not be left out, or all of them were.
    """
    try:
        return part, ask(part), ()
    except DataError as error:
        bad = [item for problem in error.problems for item in problem.items]
        kept = np.setdiff1d(np.arange(len(part)), bad)
        if not len(kept):
            raise
        refuse_bad(error.problems, on_bad_data)
        rows = part.select(kept)
        return rows, ask(rows), error.problems
