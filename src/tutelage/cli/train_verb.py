"""`tutelage train SOURCE`: from data to a trained model and its report."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from tutelage.cli.next_verb import tell_next
from tutelage.cli.several import train_several
from tutelage.cli.wishes import make_request
from tutelage.core.layout import DATA
from tutelage.core.outlet import one_line, say_json, tell, warn
from tutelage.report.diverged import reporting_divergence
from tutelage.report.page import write_report
from tutelage.run.run import Run
from tutelage.run.start import start_training
from tutelage.run.survey import PREDICTORS
from tutelage.training.mesh import is_first_process

__all__ = ["EXIT_CODES", "run", "show_end"]

EXIT_CODES = {"interrupted": 130, "terminated": 143}
"""128 + the signal's number, as shells expect."""


def run(arguments: argparse.Namespace) -> int:
    """Train, write the report, and tell the scores."""
    if arguments.seeds is not None:
        return train_several(arguments)
    request = make_request(arguments, is_quiet=arguments.quiet)
    with reporting_divergence():
        folder = start_training(request)
    return show_end(folder, as_json=arguments.json)


def show_end(folder: Path, *, as_json: bool, damaged: Sequence[str] = ()) -> int:
    """Write the report, tell how a run ended and what of its weights is damaged, and return the exit code."""
    done = Run.open(folder, tell=warn)
    if not is_first_process(os.environ):
        return EXIT_CODES.get(str(done.result.get("stopped")), 0)
    report = write_report(folder, tell=warn, patience_seconds=done.decided.save_patience_seconds, damaged=damaged)
    if done.result.get("stopped") in EXIT_CODES:
        tell(f"paused   go on with: tutelage resume {one_line(str(folder))}")
    if as_json:
        keys = (
            "run",
            "task",
            "metrics",
            "intervals",
            "best_step",
            "stopped",
            "seconds",
            "num_parameters",
            "warnings",
            "diagnosis",
            "floor",
            "calibration",
        )
        # Numbers beside the metrics, such as the ends of an interval, stand among them too: one place to look.
        figures = done.result.get("figures", {})
        metrics = {**(done.result.get("metrics") or {}), **figures}
        own = {key: value for key, value in figures.items() if "/" not in key}
        told = {key: done.result.get(key) for key in keys}
        # What was warned of when the data were read stands beside the data.
        warned = [*done.files.record(DATA).get("warnings", ()), *(done.result.get("warnings") or ())]
        say_json(told | own | {"metrics": metrics, "warnings": warned, "plan": done.plan, "report": str(report)})
    else:
        tell(f"report   {one_line(str(report))}")
        if not any(text.startswith(f"{folder / PREDICTORS[0]}:") for text in damaged):
            tell_next(done)
    return EXIT_CODES.get(str(done.result.get("stopped")), 0)
