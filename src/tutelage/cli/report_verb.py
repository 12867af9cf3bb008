"""`tutelage report RUN`: write a run's report anew from its files."""

import argparse

from tutelage.report.page import write_report
from tutelage.run.folder import run_folder

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Write report.html and print its path."""
    print(write_report(run_folder(arguments.run)))
    return 0
