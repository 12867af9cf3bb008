"""The words that counted: what in the validation rows speaks for each class, by the floor beside the network."""

from typing import ClassVar, Literal

from pydantic import Field

from tutelage.core import layout
from tutelage.report.blocks import first_of, section, table
from tutelage.report.html import Child, Html, join, tag
from tutelage.report.number import say_number
from tutelage.report.record import Number, Record, RunRecord, Text
from tutelage.report.sections.base import Section

__all__ = ["TellingSection"]

LEAD = (
    "By the floor, the plain model of words beside the network: it is open to inspection, where a network is not. Look for words "
    "that give the answer away without being about it, such as names, dates or marks of where a text is from."
)
MAX_CLASSES = 50
MAX_THINGS = 20


class Thing(Record):
    """A word, with its weight and the number of texts that have it."""

    name: Text = ""
    weight: Number = None
    rows: Number = None


class OfClass(Record):
    """What speaks for one class."""

    class_: Text = Field("", alias="class")
    things: tuple[Thing, ...] = ()


class FloorWords(Record):
    """What the floor says of the words."""

    telling: tuple[OfClass, ...] = ()


class WordsPart(Record):
    """Where it stands in result.json."""

    floor: FloorWords = FloorWords()


class TellingSection(Section):
    """The words that speak for each class."""

    kind: Literal["telling"] = "telling"
    order: ClassVar[int] = 78
    menu: ClassVar[str] = "Words that counted"

    def show(self, run: RunRecord) -> Html | None:
        """Return a table with a row a class, or None where there are no words."""
        found = [one for one in run.read(WordsPart, layout.RESULT).floor.telling if one.things]
        if not found:
            return None
        rows: list[list[Child]] = [
            [one.class_, join([_word(thing) for thing in one.things[:MAX_THINGS]])] for one in found[:MAX_CLASSES]
        ]
        return section(
            "The words that counted",
            table(["class", "words and pairs of words, the weightiest first"], rows),
            first_of(MAX_CLASSES, len(found), file=layout.RESULT),
            anchor=self.anchor,
            lead=LEAD,
        )


def _word(thing: Thing) -> Html:
    """Return a word; pointing at it tells its weight."""
    told = ", ".join(
        said
        for said in (
            f"weight {say_number(thing.weight)}" if thing.weight is not None else "",
            f"in {say_number(thing.rows)} of the texts looked at" if thing.rows is not None else "",
        )
        if said
    )
    return tag("span", thing.name, " \u00b7 ", title=told)
