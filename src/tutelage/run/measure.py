"""How good a model's answers for rows are: each metric and its interval, batch by batch."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tutelage.metric.base import Outcome
from tutelage.metric.interval import interval
from tutelage.metric.sample import OutcomeSample

__all__ = ["measure_batches"]


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
