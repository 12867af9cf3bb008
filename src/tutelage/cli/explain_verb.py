"""`tutelage explain RUN --row I`: one row through preprocessing, forward pass, loss, backpropagation and update."""

import argparse

from tutelage.core.json_values import json_values
from tutelage.core.outlet import say, say_json, warn
from tutelage.run.explain import Asked, explain_row
from tutelage.run.run import Run

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Print the explanation, or write it as a page."""
    asked = Asked(row=arguments.row, part=arguments.part, file=arguments.file, at=arguments.at)
    explanation = explain_row(Run.open(arguments.run, tell=warn), asked)
    if arguments.json:
        say_json(json_values(explanation.record()))
    else:
        say(explanation.text(), end="")
    return 0
