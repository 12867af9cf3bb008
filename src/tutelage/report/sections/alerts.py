"""Warnings, before anything else: what the reader should look at."""

from tutelage.report.blocks import note
from tutelage.report.facts import Facts
from tutelage.report.html import Html, tag
from tutelage.report.number import say_count

__all__ = ["show"]


def show(facts: Facts) -> Html | None:
    """Return all warnings, each once, or None."""
    told = [str(event.get("message", "")) for event in facts.events if event.get("event") == "Warned"]
    resumed = facts.last("Resumed")
    if resumed and resumed.get("exact") is False:
        told.append(f"Resumed at step {resumed.get('step')}, not bit for bit: {resumed.get('reason', '')}")
    messages = list(dict.fromkeys([*facts.data.warnings, *told, *facts.problems]))
    if not messages:
        return None
    head = tag("strong", say_count(len(messages), "warning"))
    return tag("section", note(head, tag("ul", [tag("li", message) for message in messages]), kind="warning"), id="warnings")
