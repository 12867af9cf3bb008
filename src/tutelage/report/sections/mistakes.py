"""The worst mistakes, as pictures, as texts or as rows: often the quickest way to see what is wrong with model or data."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from tutelage.core import layout
from tutelage.report.blocks import first_of, section, table
from tutelage.report.html import Child, Html, picture, tag
from tutelage.report.number import say_number, say_percent
from tutelage.report.record import Number, Record, RunRecord, Text
from tutelage.report.sections.base import Section
from tutelage.report.value import as_text

__all__ = ["Mistakes"]

LEAD = (
    "The test examples on which the model was most wrong. Look for labels that are wrong themselves, for damaged or unusual "
    "examples, and for what they have in common: more training data of that kind helps most."
)
MAX_SHOWN = 200
MAX_COLUMNS = 200
MAX_LENGTH = 600
"""Characters of a text that are shown."""


class Mistake(Record):
    """One of the worst mistakes.

    Attributes:
        name: Where the row is.
        target: The truth.
        prediction: What the model said.
        confidence: Probability that the model gave to it.
        loss: How wrong it was.
        png: The row as a picture, base64 PNG.
        text: The row as text.
        row: The row as cells by column.
    """

    name: Text = ""
    target: Text = ""
    prediction: Text = ""
    confidence: Number = None
    loss: Number = None
    png: str | None = None
    text: Text = ""
    row: dict[Text, Any] | None = None


class Worst(Record):
    """Its slice of result.json."""

    worst: tuple[Mistake, ...] = ()


class Mistakes(Section):
    """The rows on which the model was most wrong."""

    kind: Literal["mistakes"] = "mistakes"
    order: ClassVar[int] = 80
    menu: ClassVar[str] = "Mistakes"

    def show(self, run: RunRecord) -> Html | None:
        """Return the mistakes, or None."""
        found = run.read(Worst).worst
        if not found:
            return None
        worst = found[:MAX_SHOWN]
        pictures = [_card(mistake) for mistake in worst if mistake.png]
        others = [mistake for mistake in worst if not mistake.png]
        return section(
            "Worst mistakes",
            tag("ul", pictures, class_="gallery") if pictures else None,
            _rows(others) if others else None,
            first_of(MAX_SHOWN, len(found), file=layout.RESULT),
            anchor=self.anchor,
            lead=LEAD,
        )


def _card(mistake: Mistake) -> Html:
    """Return a picture with what it is and what the model said."""
    sure = "" if mistake.confidence is None else f"{say_percent(mistake.confidence)} sure"
    return tag(
        "li",
        picture(mistake.png, alt=mistake.name) or tag("div", "no picture", class_="blank"),
        tag("p", "is ", tag("b", mistake.target, class_="right")),
        tag("p", "said ", tag("b", mistake.prediction, class_="wrong")),
        tag("p", sure, class_="name") if sure else None,
        tag("p", mistake.name, class_="name", title=mistake.name),
    )


def _rows(worst: Sequence[Mistake]) -> Html:
    """Return mistakes as a table, with the cells of their rows or their text beside them."""
    columns = list(dict.fromkeys(name for mistake in worst for name in (mistake.row or {})))[:MAX_COLUMNS]
    has_text = any(mistake.text for mistake in worst)
    is_sure = any(mistake.confidence is not None for mistake in worst)
    headers = ["row", "truth", "prediction", "confidence" if is_sure else "off by", *(["text"] if has_text else []), *columns]
    rows: list[list[Child]] = []
    for mistake in worst:
        cells: Mapping[str, Any] = mistake.row or {}
        true, said = (text if is_sure else _number(text) for text in (mistake.target, mistake.prediction))
        rows.append(
            [
                mistake.name,
                tag("b", true, class_="right"),
                tag("b", said, class_="wrong"),
                say_percent(mistake.confidence) if is_sure else _distance(mistake),
                *([mistake.text[:MAX_LENGTH]] if has_text else []),
                *(_cell(cells.get(name)) for name in columns),
            ]
        )
    return table(headers, rows, sortable=True, class_="compact" if has_text else "compact cells")


def _distance(mistake: Mistake) -> str:
    """Say how far a predicted number is from the true one, in the target's unit."""
    try:
        return say_number(abs(float(mistake.prediction) - float(mistake.target)))
    except ValueError:
        return say_number(mistake.loss)


def _number(text: str) -> str:
    """Shorten a text that is a number; leave any other as it is."""
    try:
        return say_number(float(text))
    except ValueError:
        return text


def _cell(value: object) -> str:
    """Write one cell of a data set; only numbers with a fraction are shortened, as others may be codes or years."""
    return say_number(value) if isinstance(value, float) else as_text(value)
