"""`tutelage report RUN`: write a run's report anew from its files."""

import argparse

from tutelage.core.outlet import one_line, say, say_json, warn
from tutelage.report.page import write_report
from tutelage.run.birth import tidy
from tutelage.run.folder import run_folder
from tutelage.run.survey import damaged_weights

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Write report.html and print its path, or with --json an object with `run` and `report`."""
    folder = run_folder(arguments.run)
    tidy(folder)
    # Whoever looks at a run shall know that its weights are no longer what they were; the page itself is made without them.
    report = write_report(folder, tell=warn, damaged=damaged_weights(folder))
    if arguments.json:
        say_json({"run": arguments.run, "report": str(report)})
    else:
        say(one_line(str(report)))
    return 0
