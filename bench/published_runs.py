"""Forecasts of published training runs, each made without its whole source (or device): `python -m bench published_runs`.

`python -m bench.published_runs [--fit] [--stored] [CSV]` prints the same table; --fit also writes the package's coefficients,
--stored forecasts by the coefficients that are stored, for a table of runs that they have not seen. The table of runs is looked
for below `TUTELAGE_DATA`, or beside the checkout; without it nothing is measured. Goals: mean error below every baseline on the
same rows; 80 % intervals that hold 75 to 85 % of the truths. All forecasts are made, and their hash printed, before any score.
"""

import hashlib
import json
import math
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench.published import baselines, coefficients
from bench.published.fits import MOVED, TARGET, Guess, guess_moved, guess_work
from bench.published.rows import Table, WorkloadRow, WorkRow, default_path, read_table
from bench.published.scores import Score, frozen, print_table, score_log, score_of
from tutelage.foresight.prior import forecast

Row = WorkRow | WorkloadRow
Rule = Callable[[Any, Sequence[Any]], float]
LAMBDA = "pytorch-train-throughput-fp16.csv"
"""The table of twelve GPUs and nine workloads."""
REFERENCES = {
    f"{said} from {key}": baselines.reference(key, rule=rule)
    for key in ("a100-sxm-80gb", "v100-sxm-16gb")
    for said, rule in (("peak-FLOPS ratio", "peak"), ("bandwidth ratio", "bandwidth"), ("geometric mean", "both"))
}


LANGUAGE_RUNS, LANGUAGE_STEPS = (
    "language models, whole runs, project left out",
    "language models, steps and rates, project left out",
)
IMAGES, IMAGES_SINGLY = "image models (timm), project left out", "image models (timm), model left out"
PARTS = (LANGUAGE_RUNS, LANGUAGE_STEPS, IMAGES, IMAGES_SINGLY)
"""Tables whose rows stand in the one of all known work too."""


@dataclass(frozen=True)
class Trial:
    """One table: rows, who was left out with each, our forecasts, and the rules beside them."""

    title: str
    rows: Sequence[Row]
    key: Callable[[Any], str]
    guesses: Sequence[Guess]
    rules: dict[str, Rule]
    among: Sequence[Guess]
    rest: Sequence[Row]


def run(path: Path | None = None) -> dict[str, Any]:
    """Forecast, freeze, score, print; return the scores."""
    path = path or default_path()
    if not path.exists():
        print(f"no table of published runs at {path}", file=sys.stderr)
        return {"missing": "the table of published runs"}
    table = read_table(path)
    trials = [*_work_trials(table), *_moved_trials(table)]
    hashes = {trial.title: frozen(trial.guesses) for trial in trials}
    print(json.dumps({"frozen before scoring": hashes}, indent=1))
    scores = {trial.title: _score(trial) for trial in trials}
    for title, found in scores.items():
        print_table(title, found)
    held = sum(round(found[-1].rows * (found[-1].coverage_80 or 0)) for title, found in scores.items() if title not in PARTS)
    rows = sum(found[-1].rows for title, found in scores.items() if title not in PARTS)
    print(f"\nall rows, each once: {held} of {rows} in their 80 % interval ({held / rows:.1%})")
    _print_left_out(table)
    return {
        "frozen": hashes,
        "left_out": dict(table.left_out),
        "scores": {title: [asdict(score) for score in found] for title, found in scores.items()},
        "coverage_80": held / rows,
        "goals": _goals(scores),
    }


def _work_trials(table: Table) -> list[Trial]:
    """Return the tables of runs whose work is known: whole projects left out."""
    guesses = guess_work(table.work, key=lambda row: row.source)
    language = [row for row in table.work if row.demand.kind == "transformer"]
    by_name = {guess.name: guess for guess in guesses}

    def trial(title: str, wanted: Callable[[WorkRow], bool], **more: Rule) -> Trial:
        rows = [row for row in table.work if wanted(row)]
        rest = language if all(map(is_language, rows)) else table.work
        own = [by_name[row.name] for row in rows]
        return Trial(title, rows, lambda row: row.source, own, {**baselines.WORK_RULES, **more}, guesses, rest)

    def is_language(row: WorkRow) -> bool:
        return row.demand.kind == "transformer"

    def is_timm(row: WorkRow) -> bool:
        return row.name.startswith("timm")

    bytes_too: dict[str, Rule] = {"FLOPs and bytes, two constants": baselines.flops_and_bytes}
    single = guess_work(table.work, key=lambda row: row.name if is_timm(row) else row.source)
    return [
        trial(LANGUAGE_RUNS, lambda row: is_language(row) and not row.is_rate and row.is_run),
        trial(LANGUAGE_STEPS, lambda row: is_language(row) and not row.is_run),
        trial(IMAGES, is_timm, **bytes_too),
        _one_by_one(IMAGES_SINGLY, [row for row in table.work if is_timm(row)], single, bytes_too),
        trial("all of known work, project left out", lambda row: True, **bytes_too),
    ]


def _one_by_one(title: str, rows: Sequence[WorkRow], found: Sequence[Guess], rules: dict[str, Rule]) -> Trial:
    """Return a table whose rows are left out one by one, the others of their project being known."""
    names = {row.name for row in rows}
    own = [guess for guess in found if guess.name in names]
    return Trial(title, rows, lambda row: row.name, own, {**baselines.WORK_RULES, **rules}, own, rows)


def _moved_trials(table: Table) -> list[Trial]:
    """Return the tables of workloads that were measured on several devices."""
    steady = [row for row in table.workloads if not row.is_target]
    lambda_one = [row for row in steady if row.source.endswith(LAMBDA) and row.devices == 1]
    lambda_many = [row for row in steady if row.source.endswith(LAMBDA) and row.devices > 1]
    lambda_all, elsewhere = (
        [*lambda_one, *lambda_many],
        [row for row in steady if row.source.startswith("lambdal") and LAMBDA not in row.source],
    )
    others = [row for row in steady if not row.source.startswith("lambdal")]
    target = [row for row in table.workloads if row.is_target]
    return [
        _moved("nine workloads, GPU left out", lambda_one, key=_device, rules={**REFERENCES, "log-linear": baselines.log_linear}),
        _moved("two GPUs each (GAN, detection, speech, translation), GPU left out", others, key=_device, beside=lambda_one),
        _moved("nodes of eight, node left out", lambda_many, key=_node, beside=lambda_one),
        _moved("the same GPU elsewhere (20 nodes), source left out", elsewhere, key=lambda row: row.source, beside=lambda_all),
        _moved("time to target (MLPerf), submission left out", target, key=lambda row: row.source, is_target=True),
    ]


def _moved(
    title: str,
    rows: Sequence[WorkloadRow],
    *,
    key: Callable[[WorkloadRow], str],
    rules: dict[str, Rule] | None = None,
    beside: Sequence[WorkloadRow] = (),
    is_target: bool = False,
) -> Trial:
    """Return one table; `beside` are rows of other tables that also teach."""
    model = TARGET if is_target else MOVED
    everything = [*rows, *beside]
    wanted = {row.name for row in rows}

    def key_of(row: WorkloadRow) -> str:
        return key(row) if row.name in wanted or key is _device else "beside"

    found = guess_moved(everything, model=model, key=key_of, scenario=title)
    guesses = [guess for guess in found if guess.name in wanted]
    names = {guess.name for guess in guesses}
    return Trial(
        title,
        [row for row in rows if row.name in names],
        key_of,
        guesses,
        {**baselines.MOVED_RULES, **(rules or {})},
        guesses,
        everything,
    )


def _node(row: WorkloadRow) -> str:
    """Return the node, for leaving out what several of its devices did together."""
    return f"{row.devices} x {row.device.key}"


def _device(row: WorkloadRow) -> str:
    """Return the device, for leaving it out."""
    return row.device.key


def _score(trial: Trial) -> list[Score]:
    """Return the scores of all rules and of ours, on the same rows."""
    scores = []
    order = {guess.name: index for index, guess in enumerate(trial.guesses)}
    rows = sorted(trial.rows, key=lambda row: order[row.name])
    for name, rule in trial.rules.items():
        errors = []
        for row, guess in zip(rows, trial.guesses, strict=True):
            rest = [item for item in trial.rest if item is not row and not _goes_with(item, row, trial)]
            errors.append(rule(row, rest) - guess.truth)
        scores.append(score_log(name, errors=errors, is_rate=[row.is_rate for row in rows]))
    return [*scores, Score(**score_of(trial.guesses, among=trial.among))]


def _goes_with(item: Row, row: Row, trial: Trial) -> bool:
    """Tell whether a row is left out together with another."""
    return trial.key(item) == trial.key(row)


def _goals(scores: dict[str, list[Score]]) -> dict[str, Any]:
    """Return for each table whether ours is below every rule, and whether its intervals hold what they say."""
    return {
        title: {
            "below_every_rule": found[-1].mape < min(score.mape for score in found[:-1]),
            "coverage_80": found[-1].coverage_80,
        }
        for title, found in scores.items()
    }


def _print_left_out(table: Table) -> None:
    """Print why rows are left out, and how many for each reason."""
    reasons: dict[str, list[str]] = {}
    for name, reason in table.left_out.items():
        reasons.setdefault(reason, []).append(name)
    print(f"\nleft out ({len(table.left_out)} rows)")
    for reason, names in reasons.items():
        print(f"  {reason}: {len(names)} ({', '.join(names[:3])}{' ...' if len(names) > 3 else ''})")


def run_stored(path: Path) -> None:
    """Forecast runs of known work by the package alone, as a user would, and print the score."""
    table = read_table(path)
    found = [forecast(row.wish) for row in table.work]
    said = [f"{row.name} {one.seconds:.9e} {one.interval_80.low:.9e}" for row, one in zip(table.work, found, strict=True)]
    print(f"frozen before scoring: {hashlib.sha256(chr(10).join(said).encode()).hexdigest()[:16]}")
    actual = [row.seconds * row.wish.samples / row.wish.devices for row in table.work]
    pairs = list(zip(found, actual, strict=True))
    errors = [math.log(one.seconds / truth) for one, truth in pairs]
    score = score_log("ours, coefficients as stored", errors=errors, is_rate=[row.is_rate for row in table.work])
    coverage = statistics.fmean(one.interval_80.low <= truth <= one.interval_80.high for one, truth in pairs)
    width = statistics.median(one.interval_80.high / one.interval_80.low for one in found)
    print_table("all of known work", [replace(score, coverage_80=coverage, width_80=width)])


def main(words: Sequence[str]) -> None:
    """Run from the command line."""
    paths = [Path(word) for word in words if not word.startswith("-")]
    path = paths[0] if paths else default_path()
    if "--fit" in words:
        print(f"wrote {coefficients.write(read_table(path))}")
    if "--stored" in words:
        run_stored(path)
    else:
        run(path)


if __name__ == "__main__":
    main(sys.argv[1:])
