"""From a run to one that computes in int8: measured on held-out rows, and refused where it answers worse than allowed."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from tutelage.core.errors import RunError
from tutelage.predictor.int8 import Int8Method, OnnxNetwork, quantized
from tutelage.predictor.predictor import Predictor
from tutelage.run.birth import born, check_place
from tutelage.run.compact import Lost, Yardstick, computed, exportable, exported, recalibrated, some_batches, training_rows
from tutelage.run.derived import ended, scored, write_derived
from tutelage.run.files import tell_nobody
from tutelage.run.latency import Timed, batches_of, measure_models
from tutelage.run.run import Run
from tutelage.task.calibration import floor_knows
from tutelage.task.rows import PreparedPart, RowsData

__all__ = ["make_int8"]

Wish = Literal["auto", "static", "dynamic"]
METHODS: tuple[Int8Method, ...] = ("static", "dynamic")
LEAST_GAIN = 1.2
"""How many times as fast int8 has to be: with less, such as where no product of a GRU becomes int8, rounding is for nothing."""
FEW_ROWS, MOST_ROWS = 500, 10_000
"""Validation rows that are answered for first, where there are far more, and in all; more would not make the loss much surer."""


@dataclass(frozen=True)
class _Asked:
    """What is asked for.

    Attributes:
        method: One of the two, or `auto`.
        most_loss: Most that may be lost.
        tell: Takes what a method loses, as soon as that is known.
    """

    method: Wish
    most_loss: float
    tell: Callable[[str], None]


def make_int8(
    run: str | Path,
    out: str | Path = "",
    *,
    method: Wish = "auto",
    most_loss: float = 0.3,
    tell: Callable[[str], None] = tell_nobody,
) -> Run:
    """Make a run folder whose model computes a run's answers in int8, and return it, opened.

    Args:
        run: A run whose model answers for rows.
        out: The new folder; "" = a new one below runs/.
        method: `static`, `dynamic`, or `auto`: the faster one of those that lose no more than allowed, if it is faster than
            the network in float32.
        most_loss: Most that may be lost on the validation rows: points of accuracy, or per cent of the RMSE.
        tell: Takes what each method loses, as soon as that is known.

    Raises:
        UsageError: The packages for it are not installed.
        RunError: More is lost, nothing is gained, or the network cannot be written as ONNX.
    """
    began, opened = time.monotonic(), Run.open(run)
    check_place(str(out))
    before = exportable(opened)
    if isinstance(before.network, OnnxNetwork) and before.network.products == "int8":
        raise RunError(f"{opened.path}: it computes in int8 already.")
    data = training_rows(opened)
    made, told = _best(opened, before, data, _Asked(method, most_loss, tell))
    command = f"tutelage quantize {opened.path} --method {told['method']} --most-loss {most_loss:g}"
    made, calibration = recalibrated(opened, made, data)
    made = replace(made, facts={**before.facts, "int8": told["method"], "runs": [str(opened.path)]})
    record = {
        **scored(made, opened, {name: part for name, part in data.parts().items() if name != "train"}),
        **ended(opened, command=command, seconds=time.monotonic() - began, stopped="quantised"),
        **calibration,
        "num_parameters": _parameters(opened),
        "int8": told,
    }

    def fill(folder: Path) -> None:
        write_derived(folder, opened, made, command=command, result=record)

    with born(str(out), name=f"{opened.path.name}-int8", fill=fill) as folder:
        return Run.open(folder)


def _parameters(run: Run) -> int:
    """Return how many numbers a run's model has learned, 0 where its result does not say."""
    said = run.result.get("num_parameters", 0)
    return said if isinstance(said, int) else 0


def _best(run: Run, before: Predictor, data: RowsData, asked: _Asked) -> tuple[Predictor, dict[str, Any]]:
    """Return the fastest model in int8 that loses no more than allowed, and what result.json says of it.

    Raises:
        RunError: All of them lose more; or, where no method was asked for, none is clearly faster than the network in float32.
    """
    validation, rows = data.validation.some(MOST_ROWS), data.train.rows
    batches = some_batches(before, rows)
    content = exported(before, batches[0], is_ragged=rows.lengths is not None)
    ranges = [{name: tensor.numpy() for name, tensor in batch.items()} for batch in batches]
    tries, failed = dict[Int8Method, _Try](), dict[str, str]()
    is_known = floor_knows(run.decided, data.train, data.validation)
    looks = [Yardstick(before, part, is_known=is_known) for part in _looks(validation)]
    for name in METHODS if asked.method == "auto" else (asked.method,):
        try:
            made = computed(before, quantized(content, ranges, method=name), products="int8")
            tries[name] = _looked(name, made, looks, asked)
        except RunError as error:
            failed[name] = str(error)
    good = _allowed(run, tries, failed, most_loss=asked.most_loss)
    plain = {"float32": replace(before, precision="float32"), "float32_onnx": computed(before, content)}
    latency = measure_models({name: [Timed(one, batches_of(one, data.validation.rows))] for name, one in (plain | good).items()})
    chosen = min(good, key=lambda name: latency[name]["32"]["p50"])
    warning = _slower(*(latency[name]["32"]["p50"] for name in (*plain, chosen)))
    if warning and asked.method == "auto":
        raise RunError(f"{run.path}: {warning}. Nothing was written. If size counts more: --method {chosen}.")
    network = good[chosen].network
    assert isinstance(network, OnnxNetwork)
    return good[chosen], {
        "method": chosen,
        **vars(tries[chosen].lost),
        "num_rows": len(validation),
        "most_loss": asked.most_loss,
        "latency_ms": {name: latency[name] for name in plain} | {"int8": latency[chosen]},
        "size_bytes": {"float32": len(content), "int8": len(network.content)},
        "warning": warning,
        "tried": {name: one.lost.lost for name, one in tries.items()} | failed,
    }


@dataclass(frozen=True)
class _Try:
    """A model in int8, what it loses, and on how many rows that was seen."""

    made: Predictor
    lost: Lost
    num_rows: int


def _looks(validation: PreparedPart) -> list[PreparedPart]:
    """Return the rows of a first look, where they are much fewer, and all of them."""
    few = [validation.some(FEW_ROWS)] if len(validation) > 2 * FEW_ROWS else []
    return [*few, validation]


def _looked(name: Int8Method, made: Predictor, looks: Sequence[Yardstick], asked: _Asked) -> _Try:
    """Return what a model loses on all rows, or on the few of the first look if that is surely too much; either is told."""
    for look in looks:
        lost, least = look.lost(made)
        verdict = f", more than {asked.most_loss:g}" if lost.lost > asked.most_loss else ""
        asked.tell(f"int8 ({name}): {lost.lost:.2f} {lost.unit} lost on {look.num_rows:,} validation rows{verdict}")
        if least > asked.most_loss:
            break
    return _Try(made, lost, look.num_rows)


def _allowed(
    run: Run, tries: Mapping[Int8Method, _Try], failed: Mapping[str, str], *, most_loss: float
) -> dict[Int8Method, Predictor]:
    """Return what loses no more than allowed.

    Raises:
        RunError: Nothing does.
    """
    if not tries:
        raise RunError(f"{run.path}: no int8 of its network can be made: {'; '.join(failed.values())}. Nothing was written.")
    good = {name: one.made for name, one in tries.items() if one.lost.lost <= most_loss}
    if not good:
        lost = (f"{name}: {one.lost.lost:.2f} {one.lost.unit} on {one.num_rows:,}" for name, one in tries.items())
        raise RunError(
            f"{run.path}: int8 loses more than {most_loss:g} on validation rows ({'; '.join([*lost, *failed.values()])}). "
            "Nothing was written. To allow more: --most-loss."
        )
    return good


def _slower(own_ms: float, onnx_ms: float, int8_ms: float) -> str:
    """Say that a batch takes hardly less time than in float32, by the run's own network or by ONNX Runtime; "" where it does."""
    best_ms, where = min((own_ms, "with the run's own model"), (onnx_ms, "in float32 by ONNX Runtime (tutelage export)"))
    if int8_ms * LEAST_GAIN <= best_ms:
        return ""
    than = "hardly faster" if int8_ms <= best_ms else f"{int8_ms / best_ms:.1f} times slower"
    return f"in int8 a batch of 32 rows takes {int8_ms:.3g} ms, {where} {best_ms:.3g} ms: int8 would be smaller, {than}"
