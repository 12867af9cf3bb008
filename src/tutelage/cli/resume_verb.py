"""`tutelage resume RUN`: go on with an interrupted run, bit for bit."""

import argparse
from pathlib import Path

from tutelage.cli.main import STARTED
from tutelage.cli.train_verb import show_end
from tutelage.planning.recipe import Recipe
from tutelage.report.diverged import reporting_divergence
from tutelage.run.start import Request, resume_training
from tutelage.run.survey import damaged_weights
from tutelage.track.console import Console

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Train on from the newest intact checkpoint."""
    mode = "quiet" if arguments.quiet else "auto"
    request = Request(Recipe(), sinks=[Console(mode=mode).open(Path(arguments.run))], started=STARTED)
    with reporting_divergence():
        folder = resume_training(arguments.run, request)
    # A run that has ended may have lost its weights since.
    return show_end(folder, as_json=arguments.json, damaged=damaged_weights(folder))
