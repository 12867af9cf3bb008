"""What the data are: parts, classes, columns, and what was left out."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from tutelage.core import layout
from tutelage.report.blocks import fact, first_of, fold, section, table
from tutelage.report.charts.bars import bar_list
from tutelage.report.html import Child, Html, picture, tag
from tutelage.report.number import say_count, say_number, say_percent
from tutelage.report.record import Count, DataSummary, Number, Record, RunRecord, Text, Value
from tutelage.report.sections.base import Section

__all__ = ["Data"]

LEAD = (
    "The model learns from the train part. The validation part, cut from it, decides when to stop. "
    "The test part is opened once, at the end, and gives the scores."
)
MAX_CLASSES = 60
MAX_SKIPPED = 200
MAX_COLUMNS = 500
MAX_SAMPLES = 500
MAX_NOTES = 200
MAX_LENGTH = 300
"""Characters of a sample text that are shown."""


class Column(Record):
    """One column: `missing` is a fraction of 1; `top` holds (value, count), most frequent first."""

    name: Text = ""
    role: Text = ""
    reason: Text = ""
    missing: Number = None
    distinct: Count | None = None
    min: Value = None
    mean: Value = None
    max: Value = None
    top: tuple[tuple[Text, Count], ...] = ()


class LeftOut(Record):
    """A bad item that was left out."""

    where: Text = ""
    found: Text = ""
    remedy: Text = ""


class Example(Record):
    """A sample row of a class, as a picture (base64 PNG) or as text."""

    label: Text = ""
    png: str | None = None
    text: Text = ""


class DataDetails(Record):
    """Its slice of data.json.

    Attributes:
        path: Where the data were read.
        kind: Kind of source.
        columns: One record per column, where there are columns.
        classes: For each class its count in each part, such as `{"cat": {"train": 450, "test": 100}}`.
        facts: What else is worth knowing of the train part, by name.
        skipped: Bad items left out.
        thumbnails: Sample rows.
    """

    path: Text = ""
    kind: Text = ""
    columns: tuple[Column, ...] = ()
    classes: dict[Text, dict[Text, Count]] = Field(default_factory=dict)
    facts: dict[Text, Value] = Field(default_factory=dict)
    skipped: tuple[LeftOut, ...] = ()
    thumbnails: tuple[Example, ...] = ()


class Data(Section):
    """Parts, classes, samples, columns, bad items and notes."""

    kind: Literal["data"] = "data"
    order: ClassVar[int] = 100
    menu: ClassVar[str] = "Data"

    def show(self, run: RunRecord) -> Html | None:
        """Return the summary, or None where there is none."""
        summary, details = run.data, run.read(DataDetails, layout.DATA)
        pieces = [
            _parts(summary, details),
            _classes(summary, details),
            _examples(details.thumbnails[:MAX_SAMPLES]),
            _columns(details.columns),
            _left_out(details.skipped),
            _notes(summary.notes),
        ]
        if not any(pieces):
            return None
        has_parts = "validation" in summary.parts or "test" in summary.parts
        return section("Data", pieces, anchor=self.anchor, lead=LEAD if has_parts else "")


def _parts(summary: DataSummary, details: DataDetails) -> Html | None:
    """Show the rows of each part, and where they come from."""
    if not summary.parts:
        return None
    facts = [fact(name, f"{rows:,}") for name, rows in summary.parts.items()]
    facts += [fact(name, say_number(value)) for name, value in details.facts.items()]
    where = [word for word in (details.path or summary.source, details.kind.replace("_", " ")) if word]
    if where:
        facts.append(fact("source", where[0], detail=where[1] if len(where) > 1 else None))
    return tag("dl", facts, class_="facts")


def _classes(summary: DataSummary, details: DataDetails) -> Html | None:
    """Show how many examples each class has."""
    classes = details.classes
    if not classes:
        return None
    part = "train" if any("train" in counts for counts in classes.values()) else next(iter(summary.parts), "train")
    ordered = sorted(classes.items(), key=lambda item: -item[1].get(part, 0))
    total = sum(counts.get(part, 0) for _, counts in ordered) or 1
    rows = []
    for name, counts in ordered[:MAX_CLASSES]:
        count = counts.get(part, 0)
        rows.append((name, float(count), f"{count:,} ({say_percent(count / total)})"))
    more = f"{say_count(len(ordered) - MAX_CLASSES, 'more class')} not shown." if len(ordered) > MAX_CLASSES else None
    caption = tag("p", more, class_="caption") if more else None
    return tag("div", tag("h3", f"Classes in the {part} part"), bar_list(rows), caption)


def _examples(examples: Sequence[Example]) -> Html | None:
    """Show sample rows, one strip of pictures or one list of texts a class."""
    strips: dict[str, list[Html]] = {}
    for example in examples:
        image = picture(example.png, alt=example.label)
        if image is not None or example.text:
            strips.setdefault(example.label, []).append(image or tag("q", example.text[:MAX_LENGTH]))
    if not strips:
        return None
    rows = [tag("li", tag("span", name, class_="name"), tag("span", shown, class_="strip")) for name, shown in strips.items()]
    return tag("div", tag("h3", "Samples"), tag("ul", rows, class_="samples"))


def _columns(columns: Sequence[Column]) -> Html | None:
    """Show what each column is used as, and what is in it."""
    if not columns:
        return None
    rows: list[list[Child]] = [
        [
            column.name,
            tag("span", column.role, class_=f"role {'dropped' if column.role == 'dropped' else ''}".strip()),
            say_percent(column.missing) if column.missing else "",
            "" if column.distinct is None else f"{column.distinct:,}",
            _values(column),
            column.reason,
        ]
        for column in columns[:MAX_COLUMNS]
    ]
    headers = ["column", "used as", "missing", "distinct", "values", "why"]
    content = table(headers, rows, numeric=(2, 3), sortable=True, class_="compact names")
    return tag("div", tag("h3", "Columns"), content, first_of(MAX_COLUMNS, len(columns), file=layout.DATA))


def _values(column: Column) -> str:
    """Sum up a column: lowest, mean and highest value, or the most frequent ones."""
    if column.mean is not None:
        return f"{say_number(column.min)} to {say_number(column.max)}, mean {say_number(column.mean)}"
    if column.min is not None:
        return f"{say_number(column.min)} to {say_number(column.max)}"
    return ", ".join(f"{value} ({count:,})" for value, count in column.top[:4])


def _left_out(items: Sequence[LeftOut]) -> Html | None:
    """List what was left out and why."""
    if not items:
        return None
    rows = [[item.where, item.found, item.remedy] for item in items[:MAX_SKIPPED]]
    content = table(["where", "what is wrong", "what to do"], rows, class_="compact")
    rest = first_of(MAX_SKIPPED, len(items), file=layout.DATA)
    return fold(f"{say_count(len(items), 'bad item')} left out", content, rest, is_open=len(items) <= 10)


def _notes(notes: Sequence[str]) -> Html | None:
    return tag("ul", [tag("li", text) for text in notes[:MAX_NOTES]], class_="notes") if notes else None
