"""What making a model smaller takes, whatever makes it so: its network as ONNX, its rows, what was lost."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from tutelage.core.errors import RunError, UsageError
from tutelage.data.rows.base import Rows
from tutelage.predictor.ensemble import Ensemble
from tutelage.predictor.int8 import OnnxNetwork, Products, export_network
from tutelage.predictor.predictor import Predictor
from tutelage.run.run import Run
from tutelage.task.beside import is_refitted
from tutelage.task.rows import PreparedPart, RowsData

__all__ = [
    "Lost",
    "computed",
    "exportable",
    "exported",
    "lost_between",
    "lost_points",
    "some_batches",
    "training_rows",
]

RANGE_ROWS, RANGE_BATCH = 512, 32
"""Train rows that are looked at, and how many at a time."""


@dataclass(frozen=True)
class Lost:
    """What answers have lost against others on the same rows.

    Attributes:
        lost: Points of accuracy for classes (100 x the difference); per cent of the root mean squared error for numbers.
        unit: Which of the two.
        agreement: Fraction of rows with the same class; 1 for numbers.
        before: Accuracy, or root mean squared error, of the others.
        after: The same of these.
    """

    lost: float
    unit: str
    agreement: float
    before: float
    after: float


def exportable(run: Run) -> Predictor:
    """Return the run's model on the CPU, if its answers can be compared row by row.

    Raises:
        RunError: They cannot, or it is an ensemble.
    """
    if isinstance(run.answerer, Ensemble):
        remedy = "Make each of its runs smaller (tutelage quantize RUN, tutelage prune RUN), then an ensemble of what comes of it"
        runs = ", ".join(map(str, run.answerer.facts.get("runs", ())))
        raise RunError(f"{run.path}: is an ensemble, and one network at a time is made smaller. {remedy}: {runs}.")
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
    """Return a predictor whose network, as this ONNX file has it, is computed by ONNX Runtime."""
    network = OnnxNetwork(
        content,
        num_members=int(getattr(predictor.network, "num_members", 1)),
        num_parameters=predictor.num_parameters,
        products=products,
    )
    return replace(predictor, network=network, device="cpu", precision="float32")


def lost_between(before: Predictor, after: Predictor, part: PreparedPart, data: RowsData) -> Lost:
    """Return what a model has lost against another on some of its run's validation rows.

    Where the floor beside it has learned from these rows too, the networks are compared alone: the floor knows the answers.
    """
    assert part.truth is not None
    if before.companion is not None and is_refitted(len(data.train), len(data.validation)):
        before, after = (replace(one, companion=None, calibrator=None) for one in (before, after))
    has_classes = before.target is not None and bool(before.target.classes)
    return lost_points(before.answers(part.part), after.answers(part.part), part.truth, has_classes=has_classes)


def lost_points(before: np.ndarray, after: np.ndarray, truth: np.ndarray, *, has_classes: bool) -> Lost:
    """Return what is lost between two sets of answers: probabilities [N, C], or numbers [N]."""
    if has_classes:
        right, still = (float((answers.argmax(axis=1) == truth).mean()) for answers in (before, after))
        same = float((before.argmax(axis=1) == after.argmax(axis=1)).mean())
        return Lost(100 * (right - still), "points of accuracy", same, right, still)
    rmse, after_rmse = (float(np.sqrt(np.mean((answers - truth) ** 2))) for answers in (before, after))
    lost = 0.0 if after_rmse == rmse else 100 * (after_rmse / rmse - 1) if rmse else np.inf
    return Lost(lost, "per cent of the RMSE", 1.0, rmse, after_rmse)


def _finished(predictor: Predictor, rows: Rows, numbers: Tensor) -> dict[str, Tensor]:
    """Return a batch as the network takes it."""
    with torch.no_grad():
        finished = predictor.module.finisher(rows.take(numbers))
    return {name: finished[name].contiguous() for name in predictor.shape.tensors}
