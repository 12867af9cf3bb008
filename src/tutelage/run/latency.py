"""How long models take to answer, measured alike by every command that tells it.

What counts is all that answers for a prepared batch: network, mirror image, answer, calibrator, in the precision in which the
model answers. Not counted: reading and preparing rows, and the plain model beside a network, which looks at rows as read.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import torch

from tutelage.data.rows.base import Rows
from tutelage.model.example import example_batch
from tutelage.predictor.predictor import Predictor
from tutelage.task.base import Batch
from tutelage.task.modes import evaluation_mode

__all__ = ["SIZES", "Latency", "Timed", "batches_of", "made_up_batches", "measure_latencies", "measure_models"]

SIZES = (1, 32)
"""Rows that are answered at a time."""
WARM_UPS = 2
"""Calls before the clock counts."""
TURN, MOST_CALLS, ENOUGH_SECONDS = 5, 200, 2.0
"""Of each model: calls at a time, in all at most, and after which time no more."""


@dataclass(frozen=True)
class Latency:
    """Milliseconds that a model takes for a batch: the median, and what 95 % of the calls are within."""

    p50: float
    p95: float


@dataclass(frozen=True)
class Timed:
    """A predictor with what it is asked.

    Attributes:
        predictor: The model.
        batch: Gives so many rows as its network takes them.
    """

    predictor: Predictor
    batch: Callable[[int], Batch]


def batches_of(predictor: Predictor, rows: Rows) -> Callable[[int], Batch]:
    """Return what gives batches of the first rows, as a predictor's network takes them."""

    def batch(size: int) -> Batch:
        with torch.no_grad():
            finished = predictor.module.finisher(
                {name: tensor.to(predictor.device) for name, tensor in rows.take(torch.arange(size) % len(rows)).items()}
            )
        return {name: finished[name].contiguous() for name in predictor.shape.tensors}

    return batch


def made_up_batches(predictor: Predictor) -> Callable[[int], Batch]:
    """Return what gives made-up batches, as a predictor's network takes them."""
    return lambda size: example_batch(predictor.shape, size, device=predictor.device)


def measure_models(models: Mapping[str, Sequence[Timed]]) -> dict[str, dict[str, dict[str, float]]]:
    """Return for each model, and so many rows at a time, the milliseconds `p50` and `p95`.

    Args:
        models: By name; of one that is several predictors, all of them answer within one call.
    """
    found: dict[str, dict[str, dict[str, float]]] = {name: {} for name in models}
    with ExitStack() as modes:
        for timed in (timed for several in models.values() for timed in several):
            modes.enter_context(evaluation_mode(timed.predictor.module))
        for size in SIZES:
            calls = {name: _calling([(timed.predictor, timed.batch(size)) for timed in each]) for name, each in models.items()}
            for name, latency in measure_latencies(calls).items():
                found[name][str(size)] = vars(latency)
    return found


def measure_latencies(calls: Mapping[str, Callable[[], object]]) -> dict[str, Latency]:
    """Return how long each of several calls takes; they take turns, so that whatever else the machine does meets all alike."""
    for call in calls.values():
        for _ in range(WARM_UPS):
            call()
    taken: dict[str, list[float]] = {name: [] for name in calls}
    left = dict(calls)
    while left:
        for name, call in left.items():
            taken[name] += [_seconds(call) for _ in range(TURN)]
        left = {name: call for name, call in left.items() if len(taken[name]) < MOST_CALLS and sum(taken[name]) < ENOUGH_SECONDS}
    return {
        name: Latency(*(round(1000 * float(value), 4) for value in np.quantile(seconds, (0.5, 0.95))))
        for name, seconds in taken.items()
    }


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _calling(asked: Sequence[tuple[Predictor, Batch]]) -> Callable[[], object]:
    """Return what lets predictors answer, one after another, and waits until they have."""

    @torch.no_grad()
    def call() -> None:
        for predictor, batch in asked:
            device = torch.device(predictor.device)
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=predictor.precision == "bfloat16"):
                predictor.module.of_finished(batch)
            if device.type == "cuda":
                torch.cuda.synchronize(device)

    return call
