"""`tutelage plan SOURCE`: every decision with its reason; trains nothing."""

import argparse
import shutil
import sys

from tutelage.cli.wishes import make_request, print_json
from tutelage.run.start import plan_training
from tutelage.track.table import decision_lines

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Read the data, decide everything, and print it."""
    plan, gathered, _ = plan_training(make_request(arguments, is_quiet=True))
    if arguments.json:
        print_json({"task": plan.task.kind, "plan": plan.to_record()})
        return 0
    for note in gathered.collected.notes:
        sys.stdout.write(f"Note: {note}\n")
    for warning in gathered.collected.warnings:
        sys.stdout.write(f"Warning: {warning}\n")
    sys.stdout.write(f"{plan.num_train:,} rows to train on, {plan.num_validation:,} to validate, {plan.num_test:,} to test\n")
    rows = [(decision.key, decision.value, decision.reason) for decision in plan.decisions]
    for what, why in decision_lines(rows, width=shutil.get_terminal_size().columns):
        sys.stdout.write(what + why + "\n")
    return 0
