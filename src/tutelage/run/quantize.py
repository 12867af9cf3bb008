"""From a run to one that computes in int8: measured on rows that chose nothing before, and refused where it answers worse."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from tutelage.core import layout
from tutelage.core.errors import RunError, UsageError
from tutelage.core.json_values import json_values
from tutelage.core.manifest import Manifest
from tutelage.data.rows.base import Rows
from tutelage.predictor.int8 import Int8Method, OnnxNetwork, export_network, quantized
from tutelage.predictor.predictor import Predictor
from tutelage.run.birth import born, check_place
from tutelage.run.derived import ended, scored, write_derived
from tutelage.run.ending import ENDED
from tutelage.run.run import Run
from tutelage.task.rows import RowsData

__all__ = ["Latency", "Lost", "lost_points", "make_int8", "measure_latency"]

Wish = Literal["auto", "static", "dynamic"]
METHODS: tuple[Int8Method, ...] = ("static", "dynamic")
RANGE_ROWS, RANGE_BATCH = 512, 32
"""Train rows from which ranges are taken, and how many at a time."""
MOST_ROWS = 10_000
"""Validation rows that are answered for; more would not make the loss much surer."""
BATCHES = (1, 32)
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


def make_int8(run: str | Path, out: str | Path = "", *, method: Wish = "auto", most_loss: float = 0.3) -> Run:
    """Make a run folder whose model computes a run's answers in int8, and return it, opened.

    Args:
        run: A run whose model answers for rows.
        out: The new folder; "" = a new one below runs/.
        method: `static`, `dynamic`, or `auto`: the faster one of those that lose no more than allowed.
        most_loss: Most that may be lost on the validation rows: points of accuracy, or per cent of the RMSE.

    Raises:
        UsageError: The packages for it are not installed.
        RunError: More is lost, or the network cannot be written as ONNX.
    """
    began, opened = time.monotonic(), Run.open(run)
    check_place(str(out))
    before, data = _exportable(opened), _rows(opened)
    made, told = _best(opened, before, data, METHODS if method == "auto" else (method,), most_loss=most_loss)
    command = f"tutelage quantize {opened.path} --method {told['method']} --most-loss {most_loss:g}"
    made = replace(made, facts={**before.facts, "int8": told["method"], "runs": [str(opened.path)]})

    def fill(folder: Path) -> None:
        write_derived(folder, opened, made, command=command)

    with born(str(out), name=f"{opened.path.name}-int8", fill=fill) as folder:
        record = {
            **scored(made, opened, {name: part for name, part in data.parts().items() if name != "train"}),
            **ended(opened, folder, command=command, seconds=time.monotonic() - began, stopped="quantised"),
            "num_parameters": int(opened.result.get("num_parameters", 0)),
            "int8": told,
        }
        Manifest(folder).put_json(layout.RESULT, json_values(record), state=ENDED)
    return Run.open(folder)


def _best(
    run: Run, before: Predictor, data: RowsData, methods: Sequence[Int8Method], *, most_loss: float
) -> tuple[Predictor, dict[str, Any]]:
    """Return the fastest model in int8 that loses no more than allowed, and what result.json says of it.

    Raises:
        RunError: All of them lose more.
    """
    validation = data.validation.some(MOST_ROWS)
    assert validation.truth is not None
    content, batches = _exported(before, data.train.rows)
    reference, tries = before.answers(validation.part), dict[Int8Method, tuple[Predictor, Lost]]()
    for name in methods:
        made = _computed(before, quantized(content, batches, method=name))
        answers = made.answers(validation.part)
        tries[name] = made, lost_points(reference, answers, validation.truth, has_classes=_has_classes(before))
    good = {name: made for name, (made, lost) in tries.items() if lost.lost <= most_loss}
    if not good:
        found = "; ".join(f"{name}: {lost.lost:.2f} {lost.unit}" for name, (_, lost) in tries.items())
        raise RunError(
            f"{run.path}: int8 loses more than {most_loss:g} on {len(validation):,} validation rows ({found}). Nothing was "
            "written. To allow more: --most-loss."
        )
    feeds = {size: _feed(before, data.validation.rows, size) for size in BATCHES}
    plain = {"float32": before, "float32_onnx": _computed(before, content)}
    latency = {
        name: {str(size): vars(measure_latency(_call(model, feed))) for size, feed in feeds.items()}
        for name, model in (plain | good).items()
    }
    method = min(good, key=lambda name: latency[name][str(BATCHES[-1])]["p50"])
    lost, network = tries[method][1], good[method].network
    assert isinstance(network, OnnxNetwork)
    return good[method], {
        "method": method,
        **vars(lost),
        "num_rows": len(validation),
        "most_loss": most_loss,
        "latency_ms": {name: latency[name] for name in plain} | {"int8": latency[method]},
        "size_bytes": {"float32": len(content), "int8": len(network.content)},
        "tried": {name: found.lost for name, (_, found) in tries.items()},
    }


def _computed(predictor: Predictor, content: bytes) -> Predictor:
    """Return a predictor whose network is computed by ONNX Runtime."""
    network = OnnxNetwork(content, num_members=int(getattr(predictor.network, "num_members", 1)))
    return replace(predictor, network=network, device="cpu", precision="float32")


def lost_points(before: np.ndarray, after: np.ndarray, truth: np.ndarray, *, has_classes: bool) -> Lost:
    """Return what is lost between two sets of answers: probabilities [N, C], or numbers [N]."""
    if has_classes:
        right, still = (answers.argmax(axis=1) == truth for answers in (before, after))
        same = float((before.argmax(axis=1) == after.argmax(axis=1)).mean())
        return Lost(100 * float(right.mean() - still.mean()), "points of accuracy", same)
    rmse, after_rmse = (float(np.sqrt(np.mean((answers - truth) ** 2))) for answers in (before, after))
    return Lost(0.0 if after_rmse == rmse else 100 * (after_rmse / rmse - 1) if rmse else np.inf, "per cent of the RMSE", 1.0)


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


def _exportable(run: Run) -> Predictor:
    """Return the run's model on the CPU, if its answers can be compared row by row."""
    predictor, task = run.predictor, run.decided.task
    if not task.answers_rows or predictor.target is None:
        kind = getattr(task, "kind", "")
        raise RunError(f"{run.path}: a model of task {kind!r} has no answer for a row with a label, by which int8 is judged.")
    if isinstance(predictor.network, OnnxNetwork):
        raise RunError(f"{run.path}: it computes in int8 already.")
    return replace(predictor, network=predictor.network.to("cpu").eval(), device="cpu")


def _rows(run: Run) -> RowsData:
    """Return the run's rows, read again."""
    if not run.files.recipe().source:
        raise UsageError(f"{run.path}: this run was given its data from Python, and int8 has to be measured on its rows.")
    data = run.data()
    assert isinstance(data, RowsData)
    return data


def _exported(predictor: Predictor, rows: Rows) -> tuple[bytes, list[Mapping[str, np.ndarray]]]:
    """Return the network as ONNX, and batches of train rows."""
    numbers = torch.from_numpy(np.unique(np.linspace(0, len(rows) - 1, min(RANGE_ROWS, len(rows))).astype(np.int64)))
    batches = [_finished(predictor, rows, own) for own in torch.split(numbers, RANGE_BATCH)]
    free = [name for name, tensor in batches[0].items() if rows.lengths is not None and tensor.dim() > 1]
    content = export_network(predictor.network, batches[0], free=free)
    return content, [{name: tensor.numpy() for name, tensor in batch.items()} for batch in batches]


def _finished(predictor: Predictor, rows: Rows, numbers: Tensor) -> dict[str, Tensor]:
    """Return a batch as the network takes it."""
    with torch.no_grad():
        finished = predictor.module.finisher(rows.take(numbers))
    return {name: finished[name].contiguous() for name in predictor.shape.tensors}


def _feed(predictor: Predictor, rows: Rows, size: int) -> Sequence[Tensor]:
    """Return a batch of so many rows."""
    return list(_finished(predictor, rows, torch.arange(size) % len(rows)).values())


def _call(predictor: Predictor, feed: Sequence[Tensor]) -> Callable[[], object]:
    """Return what runs the network alone, in float32."""

    def call() -> object:
        with torch.no_grad():
            return predictor.network(*feed)

    return call


def _has_classes(predictor: Predictor) -> bool:
    return predictor.target is not None and bool(predictor.target.classes)
