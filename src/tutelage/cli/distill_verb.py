"""`tutelage distill RUN [RUN ...]`: train a smaller network under trained ones, and put both beside the same one alone."""

import argparse
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tutelage.cli.main import STARTED
from tutelage.cli.next_verb import tell_next
from tutelage.core.errors import UsageError
from tutelage.core.names import readable
from tutelage.core.outlet import one_line, say, say_json, tell, warn
from tutelage.planning.recipe import merge, parse_setting
from tutelage.report.diverged import reporting_divergence
from tutelage.report.page import write_report
from tutelage.run.distill import Lesson, distill_runs
from tutelage.run.run import Run
from tutelage.track.score import say_decimals
from tutelage.training.mesh import is_first_process

__all__ = ["run"]

EXIT_CODES = {"interrupted": 130, "terminated": 143}
"""128 + the signal's number, as shells expect."""
MODELS = ("teacher", "student", "alone")


def run(arguments: argparse.Namespace) -> int:
    """Train, write both reports, and tell the comparison."""
    command = readable(shlex.join(["tutelage", *sys.argv[1:]]))
    lesson = Lesson(
        tuple(arguments.runs),
        arguments.student,
        _wishes(arguments),
        extra=arguments.data,
        out=arguments.out,
        is_alone_too=not arguments.no_alone,
        command=command,
        is_quiet=arguments.quiet,
        started=STARTED,
    )
    with reporting_divergence():
        distilled = distill_runs(lesson)
    if not is_first_process(os.environ):
        return 0
    for folder in filter(None, (distilled.alone, distilled.folder)):
        report = write_report(folder, tell=warn)
    stopped = str(Run.open(distilled.alone or distilled.folder, tell=warn).result.get("stopped"))
    if not distilled.record:
        tell(f"paused   go on with the same command, and --out {one_line(str(distilled.folder))}")
    record = {"run": str(distilled.folder), **distilled.record, "report": str(report)}
    if arguments.json:
        say_json(record)
    else:
        _say(record)
        tell(f"report   {one_line(str(report))}")
        tell_next(Run.open(distilled.folder, tell=warn))
    return EXIT_CODES.get(stopped, 0) if not distilled.record else 0


def _wishes(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the keys of a recipe that the words ask for.

    Raises:
        UsageError: No number.
    """
    values: dict[str, Any] = {}
    for keys, value in map(parse_setting, arguments.set):
        values = merge(values, keys, value)
    for key, kind in (("epochs", float), ("steps", int)):
        text = getattr(arguments, key)
        if text is not None:
            try:
                values["budget"] = {key: kind(text)}
            except ValueError as error:
                raise UsageError(f"--{key} {text!r}: expected a number.") from error
    if arguments.time is not None:
        values["budget"] = {"time": arguments.time}
    if arguments.on_bad_data is not None:
        values["on_bad_data"] = arguments.on_bad_data
    return values


def _say(record: Mapping[str, Any]) -> None:
    """Write models side by side, a line for each figure."""
    models = [name for name in MODELS if name in record]
    if not models:
        return
    lines: list[tuple[str, list[str]]] = [("", models)]
    names = list(dict.fromkeys(key for name in models for key in record[name]["metrics"]))
    has_floor = any(record[name].get("leaving") for name in models)
    alone = ", network alone" if has_floor else ""
    lines += [(key + alone, [_said(record[name]["metrics"].get(key)) for name in models]) for key in names]
    lines.append(("agrees with teacher" + alone, [_said(record[name].get("agreement")) for name in models]))
    lines.append(("parameters", [f"{record[name]['num_parameters']:,}" for name in models]))
    lines.append(("operations a row", [_count(record[name]["flops"]) for name in models]))
    lines.append(("memory, bytes", [_count(record[name]["memory_bytes"]) for name in models]))
    for size in record[models[0]]["latency_ms"]:
        found = [record[name]["latency_ms"][size] for name in models]
        lines.append((f"ms for {size} (p50, p95)", [f"{each['p50']:.2f}, {each['p95']:.2f}" for each in found]))
    lines += _beside(record, models) if has_floor else []
    if reason := record["teacher"].get("reason"):
        warn(str(reason))
    wide = max(len(name) for name, _ in lines)
    for name, cells in lines:
        say(f"  {one_line(name):<{wide}}  " + "  ".join(f"{cell:>16}" for cell in cells))


def _beside(record: Mapping[str, Any], models: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return lines for what leaves where counts are mixed with the networks."""
    names = list(dict.fromkeys(key for name in models for key in record[name]["leaving"]))
    return [
        *((f"{key}, as it leaves", [_said(record[name]["leaving"].get(key)) for name in models]) for key in names),
        ("of that, by the counts", [f"{record[name]['floor_share']:.0%}" for name in models]),
        ("numbers of the counts", [_count(record[name]["floor_size"]) for name in models]),
    ]


def _said(value: object) -> str:
    """Write a score."""
    return say_decimals(value) if isinstance(value, float) and value == value else "-"


def _count(value: object) -> str:
    """Write a count."""
    return f"{value:,}" if isinstance(value, int) else "-"
