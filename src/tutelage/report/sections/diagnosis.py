"""Why a run has learned nothing: what was measured that shows it, and what to do."""

from typing import ClassVar, Literal

from tutelage.core import layout
from tutelage.report.blocks import section, table
from tutelage.report.html import Child, Html
from tutelage.report.number import say_number
from tutelage.report.record import Number, Record, RunRecord, Text
from tutelage.report.sections.base import Section

__all__ = ["Diagnosis"]

MAX_SHOWN = 50
LEAD = (
    "The score is no better than a guess that knows nothing, as far as so many rows can tell. What was measured of the training "
    "is judged below; the first cause explains most."
)
UNTRAINED = "The weights are where they began, so that the scores are those of a network that was not trained."
PARTLY = "Only the first score is no better than a guess that knows nothing; others are. The cause is below."
UNKNOWN = "No cause could be measured. Look at the curves and at a few rows with their labels."


class Cause(Record):
    """One reason.

    Attributes:
        cause: Its kind.
        found: What shows it.
        remedy: What to do.
    """

    cause: Text = ""
    found: Text = ""
    remedy: Text = ""


class Ends(Record):
    """A curve by its ends."""

    start: Number = None
    end: Number = None


class Measured(Record):
    """What the causes were judged by, as far as it can be told in a line.

    Attributes:
        steps: Steps done.
        rate: The highest learning rate.
        train: The score on train rows, in words.
        train_loss: The training loss at its beginning and end.
        answer: What was answered most often.
        answer_fraction: How often.
    """

    steps: Number = None
    rate: Number = None
    train: Text = ""
    train_loss: Ends = Ends()
    answer: Text = ""
    answer_fraction: Number = None


class Found(Record):
    """What was found."""

    verdict: Text = ""
    reasons: tuple[Cause, ...] = ()
    measured: Measured = Measured()


class Slice(Record):
    """Its slice of result.json."""

    diagnosis: Found = Found()


class Diagnosis(Section):
    """The causes in a table, and what they were judged by."""

    kind: Literal["diagnosis"] = "diagnosis"
    order: ClassVar[int] = 15
    menu: ClassVar[str] = "Diagnosis"

    def show(self, run: RunRecord) -> Html | None:
        """Return the table, or None where the run has learned something."""
        found = run.read(Slice, layout.RESULT).diagnosis
        is_partly = found.verdict == "partly better"
        if not found.reasons and found.verdict != "no better":
            return None
        rows: list[list[Child]] = [
            [reason.cause.replace("_", " "), reason.found, reason.remedy] for reason in found.reasons[:MAX_SHOWN]
        ]
        causes = table(["cause", "what shows it", "what to do"], rows, class_="compact") if rows else UNKNOWN
        facts = table(["measured", "value"], _facts(found.measured), class_="compact")
        title = "Nothing learned that shows in the score" if is_partly else "Nothing learned"
        lead = {"partly better": PARTLY, "untrained": UNTRAINED}.get(found.verdict, LEAD)
        return section(title, causes, facts, anchor=self.anchor, lead=lead)


def _facts(measured: Measured) -> list[list[Child]]:
    """Return what was measured, as far as it is known."""
    known: list[tuple[str, Child]] = [
        ("steps", _say(measured.steps)),
        ("highest learning rate", _say(measured.rate)),
        ("training loss at the beginning", _say(measured.train_loss.start)),
        ("training loss at the end", _say(measured.train_loss.end)),
        ("on train rows", measured.train),
        ("most frequent answer", measured.answer),
        ("fraction of rows that get it", _say(measured.answer_fraction)),
    ]
    return [[name, value] for name, value in known if value]


def _say(value: float | None) -> str:
    return "" if value is None else say_number(value)
