"""`tutelage explain RUN --row I`: one row through preprocessing, forward pass, loss, backpropagation and update."""

import argparse

from tutelage.cli.out_file import check_out_file, say_new_folder
from tutelage.core.json_values import json_values
from tutelage.core.outlet import one_line, say, say_json, tell, warn
from tutelage.report.lesson_page import require_page_name, write_lesson
from tutelage.run.explain import Asked, explain_row
from tutelage.run.run import Run

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Print the explanation, or write it as a page."""
    if arguments.out:
        check_out_file(arguments.out, [arguments.file] * bool(arguments.file))
        require_page_name(arguments.out)
    asked = Asked(row=arguments.row, part=arguments.part, file=arguments.file, at=arguments.at)
    explanation = explain_row(Run.open(arguments.run, tell=warn), asked)
    if arguments.out:
        say_new_folder(arguments.out)
        write_lesson(explanation, arguments.out)
        tell(f"{one_line(explanation.called)} explained in {one_line(arguments.out)}")
    if arguments.json:
        say_json(json_values(explanation.record()))
    elif not arguments.out:
        say(explanation.text(), end="")
    return 0
