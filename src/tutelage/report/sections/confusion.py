"""Which classes are taken for which."""

from typing import ClassVar, Literal

from tutelage.report.blocks import fold, section, table
from tutelage.report.charts.heat import heat_map
from tutelage.report.html import Html, tag
from tutelage.report.number import say_count, say_percent
from tutelage.report.record import Count, Record, RunRecord, Text
from tutelage.report.sections.base import Section

__all__ = ["Confusion"]

MAX_CLASSES = 30
MAX_PAIRS = 8
LEAD = (
    "Each row is a true class, each column what the model said. Right answers lie on the diagonal; "
    "everything beside it is a mistake, its color the stronger the more often it is made."
)


class Matrix(Record):
    """Its slice of result.json.

    Attributes:
        labels: Names of the classes.
        confusion: Counts; rows are true classes, columns predicted ones, both in the order of `labels`.
    """

    labels: tuple[Text, ...] = ()
    confusion: tuple[tuple[Count, ...], ...] = ()


class Confusion(Section):
    """The matrix, the most confused pairs and the scores of each class."""

    kind: Literal["confusion"] = "confusion"
    order: ClassVar[int] = 50
    menu: ClassVar[str] = "Confusion"

    def show(self, run: RunRecord) -> Html | None:
        """Return the section, or None where no classes were counted."""
        found = run.read(Matrix)
        counts, size = found.confusion, len(found.confusion)
        if not size or any(len(row) != size for row in counts):
            return None
        labels = [*found.labels, *(f"class {number}" for number in range(len(found.labels), size))][:size]
        matrix = heat_map(counts, labels=labels) if size <= MAX_CLASSES else None
        lead = (
            LEAD if matrix else f"With {size} classes the matrix is too large to read; the pairs most often confused are listed."
        )
        classes = _classes(counts, labels)
        return section(
            "Confusion matrix",
            tag("div", matrix, _pairs(counts, labels), class_="split"),
            fold("Scores of each class", classes, is_open=size > 2 and size <= 12),
            anchor=self.anchor,
            lead=lead,
        )


def _pairs(counts: tuple[tuple[int, ...], ...], labels: list[str]) -> Html | None:
    """List the mistakes made most often."""
    pairs = [(count, true, said) for true, row in enumerate(counts) for said, count in enumerate(row) if true != said and count]
    pairs.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    if not pairs:
        return tag("p", "No mistake was made.", class_="caption")
    items = [_pair(labels[true], labels[said], count, count / sum(counts[true])) for count, true, said in pairs[:MAX_PAIRS]]
    return tag("div", tag("h3", "Most often confused"), tag("ol", items, class_="pairs"))


def _pair(true: str, said: str, count: int, fraction: float) -> Html:
    detail = f"{say_count(count, 'time')}, {say_percent(fraction)} of this class"
    return tag("li", tag("b", true), " taken for ", tag("b", said), tag("small", detail))


def _classes(counts: tuple[tuple[int, ...], ...], labels: list[str]) -> Html:
    """Return recall and precision of each class."""
    said = [sum(column) for column in zip(*counts, strict=True)]
    rows = [
        [
            labels[n],
            f"{sum(row):,}",
            say_percent(row[n] / sum(row)) if sum(row) else "-",
            say_percent(row[n] / said[n]) if said[n] else "-",
        ]
        for n, row in enumerate(counts)
    ]
    caption = "Found: fraction of the true examples of this class that the model recognized (recall). "
    caption += "Right when said: fraction of right answers among those where the model said this class (precision)."
    headers = ["class", "examples", "found", "right when said"]
    return tag("div", table(headers, rows, numeric=(1, 2, 3), sortable=True), tag("p", caption, class_="caption"))
