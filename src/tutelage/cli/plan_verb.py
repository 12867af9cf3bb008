"""`tutelage plan SOURCE`: every decision with its reason; trains nothing."""

import argparse
import sys

from tutelage.cli.wishes import make_request
from tutelage.core.amount import say_sizes
from tutelage.core.events import Noted, Warned
from tutelage.core.outlet import say_json
from tutelage.run.start import plan_training
from tutelage.track.table import decision_table, hanging
from tutelage.track.terminal import open_terminal, plain

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Read the data, decide everything, and print it."""
    plan, gathered, _ = plan_training(make_request(arguments, is_quiet=True))
    if arguments.json:
        say_json({"task": plan.task.kind, "plan": plan.to_record()})
        return 0
    terminal = open_terminal(sys.stdout)
    for event in gathered.events:
        if isinstance(event, Noted):
            terminal.print(hanging((plain("Note:", "dim"), plain(event.message))))
        elif isinstance(event, Warned):
            terminal.print(hanging((plain("Warning:", "bold yellow"), plain(event.message))))
    sizes = say_sizes(gathered.data.sizes, gathered.data.unit)
    terminal.print(plain(f"{gathered.collected.name}: {sizes}", "bold"))
    rows = [(decision.key, decision.value, decision.reason) for decision in plan.decisions]
    terminal.print(decision_table(rows, width=terminal.width))
    return 0
