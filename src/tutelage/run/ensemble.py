"""From several runs to one: a folder whose model is the mean of theirs, measured on rows that none of them has learned from."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tutelage.core import layout
from tutelage.core.errors import RunError, UsageError
from tutelage.core.gain import Gain
from tutelage.metric.base import Outcome
from tutelage.predictor.ensemble import Answerer, Ensemble, misfit, parts_of
from tutelage.predictor.predictor import Predictor
from tutelage.run.birth import born, check_place
from tutelage.run.derived import ended, scored, write_derived
from tutelage.run.forecast import SeriesInput, forecaster
from tutelage.run.forecast_scores import measured
from tutelage.run.latency import Timed, batches_of, made_up_batches, measure_models
from tutelage.run.run import Run
from tutelage.task.base import Data
from tutelage.task.calibration import floor_knows
from tutelage.task.forecast_data import ForecastData
from tutelage.task.rows import PreparedPart, RowsData
from tutelage.task.supervised import SupervisedSpec

__all__ = ["Weigh", "greedy_weights", "make_ensemble"]

Weigh = Literal["equal", "validation"]
ROUNDS = 20
"""Picks of the greedy choice: weights are multiples of a twentieth."""
ROUNDING = 1e-9
UNSEEN = ("validation", "test")
REMEDY = "Measure it on rows that none has seen: tutelage evaluate FOLDER SOURCE"


@dataclass(frozen=True)
class Kept:
    """Rows that no member has learned from.

    Attributes:
        parts: Those of the first run that all runs kept apart alike, by name.
        reason: Why one is not there; "" where both are.
        series: The test part of models that continue series, with the times before it; None of others.
        lookback: How many times these are.
    """

    parts: dict[str, PreparedPart]
    reason: str = ""
    series: SeriesInput | None = None
    lookback: int = 0


def make_ensemble(runs: Sequence[str | Path], out: str | Path = "", *, weigh: Weigh = "equal") -> Run:
    """Make a run folder whose model is the mean of several runs' models, and return it, opened.

    Args:
        runs: Folders of runs of one task with the same labels, at least two.
        out: The new folder; "" = a new one below runs/.
        weigh: `equal`, or `validation`: chosen greedily by the mean loss of rows that all runs kept apart, if that is better
            than equal weights by more than a standard error. A run that gets no weight is left out.

    Raises:
        UsageError: Fewer than two runs, or one twice.
        RunError: Their answers cannot be averaged.
    """
    began = time.monotonic()
    check_place(str(out))
    opened = _opened(runs)
    members = [_member(run, opened[0]) for run in opened]
    kept = _kept_rows(opened)
    weights, how = _weights(members, opened[0], kept, weigh=weigh)
    chosen = [number for number, weight in enumerate(weights) if weight]
    facts = {"runs": [str(opened[number].path) for number in chosen], "weights": how}
    ensemble = Ensemble(tuple(members[number] for number in chosen), tuple(weights[number] for number in chosen), facts)
    command = f"tutelage ensemble {' '.join(str(run) for run in runs)}" + " --weights validation" * (weigh != "equal")
    latency = _latencies(ensemble, kept) if opened[0].decided.task.answers_rows else []
    told = [
        _member_told(run, opened[0], weight, member, kept) for run, weight, member in zip(opened, weights, members, strict=True)
    ]
    for number, own in zip(chosen, latency, strict=False):
        told[number]["latency_ms"] = own
    record = {
        **_scored(ensemble, opened[0], kept),
        **ended(opened[0], command=command, seconds=time.monotonic() - began, stopped="averaged"),
        "num_parameters": sum(member.num_parameters for member in ensemble.members),
    }
    said = {
        "members": told,
        "weights": how,
        "measured": kept.reason or "on rows that no member has learned from",
        "latency_ms": latency[-1] if latency else {},
    }

    def fill(folder: Path) -> None:
        def result() -> dict[str, Any]:
            return {**record, "ensemble": {**said, "size_bytes": _size(folder)}}

        write_derived(folder, opened[0], ensemble, command=command, result=result)

    with born(str(out), name=f"{opened[0].path.name}-ensemble", fill=fill) as folder:
        return Run.open(folder)


def _member_told(run: Run, first: Run, weight: float, member: Predictor, kept: Kept) -> dict[str, Any]:
    """Return what result.json says of one member."""
    return {
        "run": str(run.path),
        "weight": weight,
        "metrics": _scored(member, first, kept)["metrics"],
        "num_parameters": run.result.get("num_parameters"),
        "size_bytes": _size(run.path),
    }


def greedy_weights(answers: Sequence[np.ndarray], truth: np.ndarray, task: SupervisedSpec) -> tuple[list[float], str]:
    """Return weights that are multiples of 1 / 20, or equal ones where these are as good, and why.

    Each round picks the model that makes the mean of all picks best; one may be picked often.

    Source: Ensemble Selection from Libraries of Models (Caruana et al. 2004), section 2.1, with replacement.
    Differs from the paper: equal weights stay unless the gain is more than its standard error.
    """
    count = len(answers)
    picks = np.zeros(count)

    def losses(weights: np.ndarray) -> np.ndarray:
        mean = sum(weight * one for weight, one in zip(weights / weights.sum(), answers, strict=True) if weight)
        return task.mistakes(Outcome(np.asarray(mean), truth))[0]

    for _ in range(ROUNDS):
        picks[min(range(count), key=lambda one: float(losses(picks + np.eye(count)[one]).mean()))] += 1
    equal, found = losses(np.ones(count)), losses(picks)
    means = f"mean {task.mistake_noun} {found.mean():.4g}, with equal weights {equal.mean():.4g}, on {len(truth):,} rows"
    # Models that are alike differ by rounding.
    if Gain.of(equal - found).is_clear(errors=1.0, least=ROUNDING * float(equal.mean())):
        return (picks / picks.sum()).tolist(), f"chosen greedily: {means}"
    return [1 / count] * count, f"equal: others are not better by more than a standard error ({means})"


def _opened(runs: Sequence[str | Path]) -> list[Run]:
    """Open the runs."""
    if len(runs) < 2:
        raise UsageError(f"{len(runs)} run given: an ensemble needs at least two. Train more, such as with --seeds 3.")
    opened = [Run.open(run) for run in runs]
    places = [run.path.resolve() for run in opened]
    twice = [str(run.path) for number, run in enumerate(opened) if places[number] in places[:number]]
    if twice:
        raise UsageError(f"{twice[0]} is given twice: its answers would only count twice. Name each run once.")
    return opened


def _member(run: Run, first: Run) -> Predictor:
    """Return a run's model, if it goes together with the first one's."""
    task = run.decided.task
    if not (task.answers_rows or task.continues_series):
        kind, instead = getattr(task, "kind", ""), "Use the best of them alone"
        raise RunError(f"{run.path}: models of task {kind!r} cannot be averaged yet. {instead}, or train one for longer.")
    reason = misfit(first.predictor, run.predictor)
    names = [str(one.files.record(layout.DATA).get("target", "")) for one in (first, run)]
    if not reason and names[0] != names[1]:
        reason = f"it learned the column {names[1]!r}, the first one {names[0]!r}"
    if not reason and first.decided.task.continues_series:
        ours, theirs = forecaster(first.path, first.predictor), forecaster(run.path, run.predictor)
        if (ours.series, ours.horizon, ours.interval) != (theirs.series, theirs.horizon, theirs.interval):
            reason = "it continues other series, at other times, or another number of them"
    if reason:
        raise RunError(f"{run.path}: cannot be averaged with {first.path}: {reason}. Leave it out, or train it on the same data.")
    return run.predictor


def _scored(answerer: Answerer, first: Run, kept: Kept) -> dict[str, Any]:
    """Return `metrics` and their `intervals` on what no member has learned from."""
    if kept.series is None:
        return scored(answerer, first, kept.parts)
    found = measured(*parts_of(answerer), first.decided, kept.series, lookback=kept.lookback)
    return {"metrics": found["metrics"], "intervals": found["intervals"]}


def _size(folder: Path) -> int:
    """Return the bytes of a run's model."""
    return (folder / layout.BEST / layout.PREDICTOR).stat().st_size


def _latencies(ensemble: Ensemble, kept: Kept) -> list[dict[str, dict[str, float]]]:
    """Return how long each member takes for 1 and 32 rows, and at last all together; of made-up rows, where none were kept."""
    part = next((part for part in kept.parts.values() if len(part)), None)
    members = [replace(one, network=one.network.to("cpu"), device="cpu") for one in ensemble.members]
    timed = [Timed(one, batches_of(one, one.prepared(part.part)) if part else made_up_batches(one)) for one in members]
    found = measure_models({**{str(number): [own] for number, own in enumerate(timed)}, "all": timed})
    return list(found.values())


def _kept_series(first: ForecastData, others: Sequence[Data]) -> Kept:
    """Return the test times of the run that looks back farthest, if they are those of all."""
    each = [first, *(data for data in others if isinstance(data, ForecastData))]
    if len({_spans(data) for data in each}) > 1:
        return Kept({}, f"the runs kept other times apart, of which some learned. {REMEDY}")
    farthest = max(each, key=lambda data: data.fitted.lookback)
    if "test" not in farthest.parts:
        return Kept({}, f"the runs kept no test times apart. {REMEDY}")
    return Kept({}, series=SeriesInput(farthest.parts["test"]), lookback=farthest.lookback["test"])


def _spans(data: ForecastData) -> tuple[Any, ...]:
    """Return which times a run learned from, and which it kept apart."""
    cuts, test = data.cuts, data.collected.test
    return cuts.train, cuts.validation, cuts.end, data.collected.train.fingerprint, test.fingerprint if test else ""


def _kept_rows(opened: Sequence[Run]) -> Kept:
    """Find the rows that all runs kept apart alike."""
    first = opened[0]
    if not all(run.files.recipe().source for run in opened):
        return Kept({}, "not measured: a run was given its data from Python. Then: run.evaluate((X, y))")
    try:
        data = first.data()
        if isinstance(data, ForecastData):
            return _kept_series(data, [run.data() for run in opened[1:]])
        assert isinstance(data, RowsData)
        hashes = [_hashes(run, data) for run in opened]
    except RunError as error:
        return Kept({}, f"not measured: {error}")
    names = [name for name in UNSEEN if hashes[0].get(name) and all(one.get(name) == hashes[0][name] for one in hashes)]
    parts = data.parts()
    floors = [run for run in opened if run.predictor.companion is not None]
    knowing = [run for run in floors if floor_knows(run.decided, data.train, data.validation)]
    if knowing and "validation" in names:
        names.remove("validation")
        found = f"the floor of {knowing[0].path} has learned from the validation rows, once they had decided"
        return Kept({name: parts[name] for name in names}, f"{found}. {REMEDY}")
    lacking = [name for name in UNSEEN if name in parts and name not in names]
    why = f"the runs kept other {' and '.join(lacking)} rows apart, of which some learned. {REMEDY}" if lacking else ""
    return Kept({name: parts[name] for name in names}, why)


def _hashes(run: Run, first: RowsData) -> dict[str, str]:
    """Return the fingerprint of each part of a run's rows; read again only where they are not the first one's."""
    same = run.files.record(layout.DATA).get("fingerprint") == first.fingerprint
    data = first if same else run.data()
    assert isinstance(data, RowsData)
    return {name: prepared.part.fingerprint for name, prepared in data.parts().items()}


def _weights(members: Sequence[Predictor], first: Run, kept: Kept, *, weigh: Weigh) -> tuple[list[float], str]:
    """Return the weight of each member, and why."""
    equal = [1 / len(members)] * len(members)
    if weigh == "equal":
        return equal, "equal"
    part, task = kept.parts.get("validation"), first.decided.task
    if part is None or part.truth is None or not isinstance(task, SupervisedSpec):
        raise RunError(
            f"weights by validation need rows that all runs kept apart alike: {kept.reason or 'there are none'}. Leave "
            "--weights out for equal ones."
        )
    return greedy_weights([member.answers(part.part) for member in members], part.truth, task)
