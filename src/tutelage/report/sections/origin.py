"""What the run started from: where it was, what of it was taken over, how it learned, and the licence of public weights."""

from typing import ClassVar, Literal

from tutelage.core import layout
from tutelage.report.blocks import first_of, section, table
from tutelage.report.html import Child, Html, tag
from tutelage.report.record import Number, Record, RunRecord, Text
from tutelage.report.sections.base import Section

__all__ = ["OriginSection"]

LEAD = "This run did not start from nothing: it began with weights that were learned before."
MAX_SHOWN = 50
UNKNOWN_LICENCE = "not stated. Of public weights, ask their author before you pass this model on"


class StartedFrom(Record):
    """What plan.json says of it."""

    path: Text = ""
    sha256: Text = ""
    licence: Text = ""
    fresh: tuple[Text, ...] = ()
    head: Number = None
    factor: Number = None
    deepest: Number = None
    beside: tuple[Text, ...] = ()


class Started(Record):
    """Its slice of plan.json."""

    origin: StartedFrom | None = None


class OriginSection(Section):
    """Path, digest and licence; what began anew."""

    kind: Literal["origin"] = "origin"
    order: ClassVar[int] = 92

    def show(self, run: RunRecord) -> Html | None:
        """Return what the run started from, or None where it started from nothing."""
        origin = run.read(Started, layout.PLAN).origin
        if origin is None:
            return None
        names = origin.fresh[:MAX_SHOWN]
        rows: list[list[Child]] = [
            ["from", tag("code", origin.path)],
            ["SHA-256 of its weights", tag("code", origin.sha256)],
            ["licence of these weights", origin.licence or UNKNOWN_LICENCE],
            ["began anew", ", ".join(names) or "nothing: all of it fits"],
            ["learned alone, at first", f"for {_say(origin.head)} of the steps"],
            [
                "learning rate of the rest",
                f"{_say(origin.factor)} of it next to the head, {_say(origin.deepest)} next to the data",
            ],
        ]
        if origin.beside:
            parts = dict.fromkeys(name.partition(".")[0] for name in origin.beside)
            rows.append(["learned beside it, and taken over too", ", ".join(parts)])
        rest = first_of(MAX_SHOWN, len(origin.fresh), file=layout.PLAN)
        return section(
            "What it started from", table(["what", "value"], rows, class_="compact"), rest, anchor=self.anchor, lead=LEAD
        )


def _say(factor: float | None) -> str:
    """Write a factor; an unknown one as a question mark."""
    return "?" if factor is None else f"{factor:g}"
