"""Warnings, before anything else: what the reader should look at."""

from typing import ClassVar, Literal

from tutelage.core import layout
from tutelage.report.blocks import first_of, note
from tutelage.report.html import Html, tag
from tutelage.report.number import say_count
from tutelage.report.record import Record, RunRecord, Text
from tutelage.report.sections.base import Section
from tutelage.report.value import as_text

__all__ = ["Warnings"]

MAX_SHOWN = 300


class Slice(Record):
    """Its slice of result.json."""

    warnings: tuple[Text, ...] = ()


class Warnings(Section):
    """All warnings, each once."""

    kind: Literal["warnings"] = "warnings"
    order: ClassVar[int] = 10

    def show(self, run: RunRecord) -> Html | None:
        """Return the warnings of the data, of training, of what was done later and of reading the folder, or None."""
        # Whatever brings a message is a warning of some kind, but for what needs no action.
        told = [as_text(event["message"]) for event in run.events if "message" in event and event.get("event") != "Noted"]
        resumed = run.last("Resumed")
        if resumed.get("exact") is False:
            step, reason = as_text(resumed.get("step")), as_text(resumed.get("reason"))
            told.append(f"Resumed at step {step}, not bit for bit: {reason}")
        messages = list(dict.fromkeys([*run.data.warnings, *told, *run.read(Slice).warnings, *run.problems]))
        if not messages:
            return None
        head = tag("strong", say_count(len(messages), "warning"))
        items = tag("ul", [tag("li", message) for message in messages[:MAX_SHOWN]])
        rest = first_of(MAX_SHOWN, len(messages), file=layout.EVENTS)
        return tag("section", note(head, items, rest, kind="warning"), id=self.anchor)
