"""`tutelage report RUN`: write a run's report anew from its files."""

import argparse

from tutelage.core.outlet import one_line, say, say_json, warn
from tutelage.report.page import write_report
from tutelage.run.birth import tidy
from tutelage.run.folder import run_folder

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Write report.html and print its path, or with --json an object with `run` and `report`."""
    folder = run_folder(arguments.run)
    tidy(folder)
    report = write_report(folder, tell=warn)
    if arguments.json:
        say_json({"run": arguments.run, "report": str(report)})
    else:
        say(one_line(str(report)))
    return 0
