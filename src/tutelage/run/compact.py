"""What making a model smaller takes, whatever makes it so: its network as ONNX, its rows, what was lost, how fast it is."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from tutelage.core.errors import RunError, UsageError
from tutelage.data.rows.base import Rows
from tutelage.predictor.int8 import OnnxNetwork, Products, export_network
from tutelage.predictor.predictor import Predictor
from tutelage.run.run import Run
from tutelage.task.rows import PreparedPart, RowsData

__all__ = [
    "Latency",
    "Lost",
    "computed",
    "exportable",
    "exported",
    "latencies",
    "lost_between",
    "lost_points",
    "measure_latency",
    "some_batches",
    "training_rows",
]

RANGE_ROWS, RANGE_BATCH = 512, 32
"""Train rows that are looked at, and how many at a time."""
BATCHES = (1, 32)
"""Rows of the batches whose latency is told."""
LEAST_ROUNDS, MOST_ROUNDS, ENOUGH_SECONDS = 5, 200, 2.0
"""Of each latency: how often it is taken, and after which time no more."""


@dataclass(frozen=True)
class Latency:
    """Milliseconds that a network takes for a batch: the median, and what 95 % of the calls are within."""

    p50: float
    p95: float


@dataclass(frozen=True)
class Lost:
    """What answers have lost against others on the same rows.

    Attributes:
        lost: Points of accuracy for classes (100 x the difference); per cent of the root mean squared error for numbers.
        unit: Which of the two.
        agreement: Fraction of rows with the same class; 1 for numbers.
    """

    lost: float
    unit: str
    agreement: float


def exportable(run: Run) -> Predictor:
    """Return the run's model on the CPU, if its answers can be compared row by row.

    Raises:
        RunError: They cannot.
    """
    predictor, task = run.predictor, run.decided.task
    if not task.answers_rows or predictor.target is None:
        kind = getattr(task, "kind", "")
        raise RunError(f"{run.path}: a model of task {kind!r} has no answer for a row with a label, by which losses are judged.")
    return replace(predictor, network=predictor.network.to("cpu").eval(), device="cpu")


def training_rows(run: Run) -> RowsData:
    """Return the run's rows, read again.

    Raises:
        UsageError: It was given its data from Python.
    """
    if not run.files.recipe().source:
        raise UsageError(f"{run.path}: this run was given its data from Python, and a smaller model is measured on its rows.")
    data = run.data()
    assert isinstance(data, RowsData)
    return data


def some_batches(predictor: Predictor, rows: Rows) -> list[dict[str, Tensor]]:
    """Return batches of evenly spaced rows, as the network takes them."""
    numbers = torch.from_numpy(np.unique(np.linspace(0, len(rows) - 1, min(RANGE_ROWS, len(rows))).astype(np.int64)))
    return [_finished(predictor, rows, own) for own in torch.split(numbers, RANGE_BATCH)]


def exported(predictor: Predictor, batch: Mapping[str, Tensor], *, is_ragged: bool) -> bytes:
    """Return a model's network as ONNX.

    Args:
        predictor: The model.
        batch: Some rows as the network takes them.
        is_ragged: Whether rows are of unequal length, so that the second size differs from batch to batch.

    Raises:
        RunError, UsageError: As of `export_network`.
    """
    if isinstance(predictor.network, OnnxNetwork):
        return predictor.network.file()
    free = [name for name, tensor in batch.items() if is_ragged and tensor.dim() > 1]
    return export_network(predictor.network, batch, free=free)


def computed(predictor: Predictor, content: bytes, *, products: Products = "float32") -> Predictor:
    """Return a predictor whose network is this ONNX file."""
    network = OnnxNetwork(content, num_members=int(getattr(predictor.network, "num_members", 1)), products=products)
    return replace(predictor, network=network, device="cpu", precision="float32")


def lost_between(before: Predictor, after: Predictor, part: PreparedPart) -> Lost:
    """Return what a model has lost against another on some rows."""
    assert part.truth is not None
    has_classes = before.target is not None and bool(before.target.classes)
    return lost_points(before.answers(part.part), after.answers(part.part), part.truth, has_classes=has_classes)


def lost_points(before: np.ndarray, after: np.ndarray, truth: np.ndarray, *, has_classes: bool) -> Lost:
    """Return what is lost between two sets of answers: probabilities [N, C], or numbers [N]."""
    if has_classes:
        right, still = (answers.argmax(axis=1) == truth for answers in (before, after))
        same = float((before.argmax(axis=1) == after.argmax(axis=1)).mean())
        return Lost(100 * float(right.mean() - still.mean()), "points of accuracy", same)
    rmse, after_rmse = (float(np.sqrt(np.mean((answers - truth) ** 2))) for answers in (before, after))
    return Lost(0.0 if after_rmse == rmse else 100 * (after_rmse / rmse - 1) if rmse else np.inf, "per cent of the RMSE", 1.0)


def latencies(models: Mapping[str, Predictor], rows: Rows) -> dict[str, dict[str, dict[str, float]]]:
    """Return for each model, and batches of 1 and of 32 rows, the milliseconds `p50` and `p95` that its network takes."""
    first = next(iter(models.values()))
    fed = {size: list(_finished(first, rows, torch.arange(size) % len(rows)).values()) for size in BATCHES}
    return {
        name: {str(size): vars(measure_latency(_calling(model, tensors))) for size, tensors in fed.items()}
        for name, model in models.items()
    }


def measure_latency(call: Callable[[], object]) -> Latency:
    """Return how long a call takes, after two that do not count."""
    for _ in range(2):
        call()
    taken: list[float] = []
    while len(taken) < LEAST_ROUNDS or (sum(taken) < ENOUGH_SECONDS and len(taken) < MOST_ROUNDS):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return Latency(*(round(1000 * float(value), 4) for value in np.quantile(taken, (0.5, 0.95))))


def _finished(predictor: Predictor, rows: Rows, numbers: Tensor) -> dict[str, Tensor]:
    """Return a batch as the network takes it."""
    with torch.no_grad():
        finished = predictor.module.finisher(rows.take(numbers))
    return {name: finished[name].contiguous() for name in predictor.shape.tensors}


def _calling(predictor: Predictor, tensors: Sequence[Tensor]) -> Callable[[], object]:
    """Return what runs the network alone, in float32."""

    def call() -> object:
        with torch.no_grad():
            return predictor.network(*tensors)

    return call
