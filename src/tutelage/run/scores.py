"""The final scores on one part: metrics with intervals, a trivial baseline, confusion or residuals, the worst mistakes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tutelage.data.prepare.target import ClassTarget, TargetEncoder
from tutelage.data.part.table import TablePart
from tutelage.metric.base import Metric, Outcome
from tutelage.metric.confusion import confusion
from tutelage.metric.interval import interval
from tutelage.run.describe import picture
from tutelage.run.gather import Prepared

__all__ = ["final_scores"]

NUM_WORST = 24
MAX_RESIDUALS = 2_000
SMALLEST_PROBABILITY = 1e-12


def final_scores(
    name: str,
    outcome: Outcome,
    *,
    prepared: Prepared,
    target: TargetEncoder,
    train_truth: np.ndarray,
    metrics: Sequence[Metric],
    seed: int,
) -> dict[str, Any]:
    """Return what result.json says about a part.

    Args:
        name: The part's name, which begins the metrics' names, such as `test`.
        outcome: Predictions beside the truth.
        prepared: The part.
        target: Class names, or the scale of the numbers.
        train_truth: The train rows' truth, which the baseline predicts from.
        metrics: What to compute.
        seed: The run's seed.
    """
    kinds = [getattr(metric, "kind", "") for metric in metrics]
    trivial = Outcome(_baseline(train_truth, outcome, target), outcome.target)
    record: dict[str, Any] = {
        "metrics": {f"{name}/{kind}": metric.compute(outcome) for kind, metric in zip(kinds, metrics, strict=True)},
        "intervals": {
            f"{name}/{kind}": list(interval(metric, outcome, seed=seed)) for kind, metric in zip(kinds, metrics, strict=True)
        },
        "baseline": {f"{name}/{kind}": metric.compute(trivial) for kind, metric in zip(kinds, metrics, strict=True)},
        "worst": _worst(outcome, prepared, target),
    }
    if isinstance(target, ClassTarget):
        record["baseline"]["description"] = "the shares of the classes in train, for every row"
        record["labels"] = [str(label) for label in target.classes]
        record["confusion"] = confusion(outcome).tolist()
    else:
        record["baseline"]["description"] = "the mean of train, for every row"
        rows = np.linspace(0, len(outcome.target) - 1, min(MAX_RESIDUALS, len(outcome.target))).astype(np.int64)
        record["residuals"] = {"target": outcome.target[rows].tolist(), "prediction": outcome.prediction[rows].tolist()}
    return record


def _baseline(train_truth: np.ndarray, outcome: Outcome, target: TargetEncoder) -> np.ndarray:
    """Return the same trivial prediction for every row."""
    if isinstance(target, ClassTarget):
        shares = target.count(train_truth) / len(train_truth)
        return np.tile(shares, (len(outcome.target), 1))
    return np.full(len(outcome.target), train_truth.mean())


def _worst(outcome: Outcome, prepared: Prepared, target: TargetEncoder) -> list[dict[str, Any]]:
    """Return the rows with the largest loss among the wrong ones (or the largest residuals), the worst first."""
    rows = np.arange(len(outcome.target))
    if isinstance(target, ClassTarget):
        loss = -np.log(np.maximum(outcome.prediction[rows, outcome.target], SMALLEST_PROBABILITY))
        rows = rows[outcome.prediction.argmax(axis=1) != outcome.target]
    else:
        loss = np.abs(outcome.prediction - outcome.target)
    order = rows[np.argsort(-loss[rows], kind="stable")][:NUM_WORST]
    return [_mistake(int(row), float(loss[row]), outcome, prepared, target) for row in order]


def _mistake(row: int, loss: float, outcome: Outcome, prepared: Prepared, target: TargetEncoder) -> dict[str, Any]:
    """Return one mistake with what is needed to look at it."""
    record: dict[str, Any] = {"name": prepared.part.locate(row), "loss": loss}
    if isinstance(target, ClassTarget):
        guess = int(outcome.prediction[row].argmax())
        record |= {"target": str(target.classes[outcome.target[row]]), "prediction": str(target.classes[guess])}
        record["confidence"] = float(outcome.prediction[row, guess])
    else:
        record |= {"target": f"{outcome.target[row]:g}", "prediction": f"{outcome.prediction[row]:g}"}
    if "image" in prepared.tensors:
        record["png"] = picture(prepared.tensors["image"][row].numpy())
    if isinstance(prepared.part, TablePart):
        cells = prepared.part.table.slice(row, 1).to_pylist()[0]
        record["row"] = {
            key: value if isinstance(value, int | float | str | bool | None) else str(value) for key, value in cells.items()
        }
    return record
