"""What making a model smaller takes, whatever makes it so: its network as ONNX, its rows, what was lost."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tutelage.core.errors import RunError, UsageError
from tutelage.data.rows.base import Rows
from tutelage.predictor.ensemble import Ensemble
from tutelage.predictor.int8 import OnnxNetwork, Products, export_network
from tutelage.predictor.predictor import Predictor
from tutelage.run.calibrating import held_out
from tutelage.run.run import Run
from tutelage.task.calibration import fit_calibration
from tutelage.task.rows import PreparedPart, RowsData

__all__ = [
    "Lost",
    "Yardstick",
    "computed",
    "exportable",
    "exported",
    "least_lost",
    "lost_between",
    "lost_points",
    "recalibrated",
    "some_batches",
    "training_rows",
]

RANGE_ROWS, RANGE_BATCH = 512, 32
"""Train rows that are looked at, and how many at a time."""
SURE = 3.0
"""Standard errors by which a loss is surely larger than what is allowed: it is asked of a few methods at once."""


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


def recalibrated(run: Run, made: Predictor, data: RowsData) -> tuple[Predictor, dict[str, Any]]:
    """Return a smaller model calibrated anew on the rows by which its run was, and what result.json says of that.

    Its answers are others than those that its run's calibrator and scores for sets and intervals were fitted to. Where no rows
    are held out any more, the calibrator stays, and the scores go.
    """
    plan = run.decided
    if "calibrate" not in plan.task.uses:
        return made, {}
    try:
        rows, _, is_apart = held_out(run.path, plan, made, data)
    except RunError as error:
        return replace(made, conformal=None), {"calibration": {"method": "as before", "reason": str(error)}}
    found = fit_calibration(
        rows,
        answers=plan.task.answers,
        kinds=plan.calibrators,
        seed=plan.seed,
        is_asked=plan.calibrator_asked,
        extra={"is_apart": is_apart},
    )
    return replace(made.calibrated(found.calibrator), conformal=found.conformal), {"calibration": found.record}


def lost_between(before: Predictor, after: Predictor, part: PreparedPart, *, is_known: bool) -> Lost:
    """Return what a model has lost against another on some of its run's validation rows, see `Yardstick`."""
    return Yardstick(before, part, is_known=is_known).lost(after)[0]


class Yardstick:
    """A model's answers for some of its run's validation rows, found once, by which those of others are measured.

    Where the floor beside it has learned from these rows too, the networks are compared alone: the floor knows the answers.
    """

    def __init__(self, model: Predictor, part: PreparedPart, *, is_known: bool) -> None:
        """Hold the model, the rows, and whether a floor has learned from them; nothing is answered before another is measured."""
        self._model, self._part, self._is_known = model, part, is_known

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
        return len(self._part)

    def lost(self, other: Predictor) -> tuple[Lost, float]:
        """Return what another model loses, and what it surely loses at the least, in the same unit."""
        has_classes = self._model.target is not None and bool(self._model.target.classes)
        truth, answers = self._part.truth, self._answers(other)
        assert truth is not None
        found = lost_points(self._own, answers, truth, has_classes=has_classes)
        return found, least_lost(self._own, answers, truth, has_classes=has_classes)

    @cached_property
    def _own(self) -> np.ndarray:
        """The model's own answers."""
        return self._answers(self._model)

    def _answers(self, model: Predictor) -> np.ndarray:
        """Return a model's answers, without a floor that knows the rows."""
        if self._model.companion is not None and self._is_known:
            model = replace(model, companion=None, calibrator=None)
        return model.answers(self._part.part)


def lost_points(before: np.ndarray, after: np.ndarray, truth: np.ndarray, *, has_classes: bool) -> Lost:
    """Return what is lost between two sets of answers: probabilities [N, C], or numbers [N]."""
    if has_classes:
        right, still = (float((answers.argmax(axis=1) == truth).mean()) for answers in (before, after))
        same = float((before.argmax(axis=1) == after.argmax(axis=1)).mean())
        return Lost(100 * (right - still), "points of accuracy", same, right, still)
    rmse, after_rmse = (float(np.sqrt(np.mean((answers - truth) ** 2))) for answers in (before, after))
    lost = 0.0 if after_rmse == rmse else 100 * (after_rmse / rmse - 1) if rmse else np.inf
    return Lost(lost, "per cent of the RMSE", 1.0, rmse, after_rmse)


def least_lost(before: np.ndarray, after: np.ndarray, truth: np.ndarray, *, has_classes: bool) -> float:
    """Return what is lost between two sets of answers, less `SURE` standard errors of it: rows are few, and the same for both.

    Of the RMSE, the standard error is that of a ratio of two means, by the delta method (Casella and Berger, Statistical
    Inference, 2nd edition, 2002, example 5.5.27).
    """
    lost = lost_points(before, after, truth, has_classes=has_classes).lost
    if has_classes:
        fewer = (before.argmax(axis=1) == truth).astype(float) - (after.argmax(axis=1) == truth)
        return lost - SURE * 100 * float(fewer.std()) / math.sqrt(len(truth))
    squares, others = (before - truth) ** 2, (after - truth) ** 2
    if not squares.any() or not others.any():
        return lost
    ratio = float(others.mean() / squares.mean())
    error = float((others - ratio * squares).std() / squares.mean()) / math.sqrt(len(truth))
    return lost - SURE * 100 * error / (2 * math.sqrt(ratio))


def _finished(predictor: Predictor, rows: Rows, numbers: Tensor) -> dict[str, Tensor]:
    """Return a batch as the network takes it."""
    with torch.no_grad():
        finished = predictor.module.finisher(rows.take(numbers))
    return {name: finished[name].contiguous() for name in predictor.shape.tensors}
