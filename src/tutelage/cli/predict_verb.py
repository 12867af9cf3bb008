"""`tutelage predict RUN INPUT...`: answer for new data."""

import argparse
import csv
import json
import math
from pathlib import Path
from typing import Any

from tutelage.cli.out_file import check_out_file, say_new_folder
from tutelage.core.durable import write_durably
from tutelage.core.errors import UsageError, say_problems
from tutelage.core.outlet import one_line, say, say_json, tell, warn
from tutelage.run.forecast import Forecasts
from tutelage.run.prediction import Prediction
from tutelage.run.run import Run

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Write one line per row: its name, the prediction, and the probability of each class."""
    if arguments.out and Path(arguments.out).suffix not in (".csv", ".json"):
        raise UsageError(f"--out {arguments.out}: expected a name that ends in .csv or .json.")
    if arguments.out:
        check_out_file(arguments.out, arguments.inputs)
    opened = Run.open(arguments.run, tell=warn)
    if arguments.out:
        check_out_file(arguments.out, arguments.inputs, learned_from=str(opened.plan.get("source", "")))
    if arguments.mirror != "auto":
        opened = opened.mirrored(arguments.mirror)
    prediction = _prediction(opened, arguments)
    records = prediction.records()
    for note in prediction.notes:
        tell(f"Note: {one_line(note)}")
    for warning in prediction.warnings:
        warn(warning)
    for line in say_problems(prediction.problems):
        tell(f"left out: {line}")
    if arguments.out:
        text = json.dumps(records, indent=1) + "\n" if arguments.out.endswith(".json") else _as_csv(records)
        say_new_folder(arguments.out)
        write_durably(Path(arguments.out), text.encode())
        tell(f"{len(records):,} predictions in {one_line(arguments.out)}")
    if arguments.json:
        left_out = [problem.record() for problem in prediction.problems]
        say_json(
            {
                "run": arguments.run,
                "num_rows": len(records),
                "predictions": records,
                "left_out": left_out,
                "warnings": list(prediction.warnings),
            }
        )
    elif not arguments.out:
        # People see this; files and --json hold every name as it is.
        say(_as_csv([{_shown(key): _shown(value) for key, value in record.items()} for record in records]), end="")
    return 0


def _prediction(run: Run, arguments: argparse.Namespace) -> Prediction | Forecasts:
    """Return the answers for some inputs; of a model that continues series, what comes after one table, or the training data."""
    inputs: list[str] = arguments.inputs
    horizon = 0 if arguments.horizon is None else _horizon(arguments.horizon)
    if not run.decided.task.continues_series:
        if horizon:
            kind = getattr(run.decided.task, "kind", "")
            raise UsageError(f"--horizon {horizon}: a model of task {kind!r} continues no series. Leave it out.")
        if not inputs:
            raise UsageError("no INPUT given. Name images, texts, folders of them, or tables.")
        coverage = None if arguments.coverage is None else _coverage(arguments.coverage)
        if arguments.sets and coverage is None:
            raise UsageError(f"--sets {arguments.sets} says nothing by itself. Add --coverage 0.9.")
        return run.prediction(inputs, on_bad_data=arguments.on_bad_data, coverage=coverage, method=arguments.sets)
    if arguments.coverage is not None or arguments.sets:
        raise UsageError("--coverage: a forecast has its quantiles beside it already. Leave it out.")
    if len(inputs) > 1:
        raise UsageError(f"{len(inputs)} inputs: a forecast continues one table. Give the latest, or none for the training data.")
    return run.forecast(inputs[0] if inputs else None, on_bad_data=arguments.on_bad_data, horizon=horizon)


def _horizon(text: str) -> int:
    """Read how many times ahead are asked for."""
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise UsageError(f"--horizon {text}: expected a whole number > 0. Leave it out for as many as the model has learned.")
    return int(text)


def _coverage(text: str) -> float:
    """Read how often sets or intervals have to hold the truth."""
    try:
        coverage = float(text)
    except ValueError:
        coverage = math.nan
    if not 0 < coverage < 1:
        raise UsageError(f"--coverage {text}: expected a probability between 0 and 1, such as 0.9.")
    return coverage


def _shown(value: Any) -> Any:
    """Return a value as a terminal may show it, on one line."""
    return one_line(value) if isinstance(value, str) else value


def _as_csv(records: list[dict[str, Any]]) -> str:
    """Return records as CSV text."""
    lines = _Lines()
    writer = csv.DictWriter(lines, fieldnames=list(records[0]) if records else ["row", "prediction"])
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in record.items()} for record in records)
    return "".join(lines.written)


def _cell(value: Any) -> Any:
    """Return a value as one cell holds it: of a set its classes, one after another."""
    return " | ".join(str(item) for item in value) if isinstance(value, list) else value


class _Lines:
    """Takes lines that end as a `csv.writer` ends them, so that a cell with either sign is quoted, and ends them by one sign."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, line: str) -> None:
        """Take one line."""
        self.written.append(line.removesuffix("\r\n") + "\n")
