"""Whether the model may be believed as far as it is sure of itself: before and after its probabilities were made honest."""

from typing import ClassVar, Literal

from pydantic import Field

from tutelage.report.blocks import figure, section, table
from tutelage.report.charts.reliability import Bin, reliability_chart
from tutelage.report.html import Html, tag
from tutelage.report.number import say_count, say_number
from tutelage.report.record import Count, Number, Record, RunRecord, Text
from tutelage.report.sections.base import Section
from tutelage.report.value import as_number

__all__ = ["Reliability"]

MOST_BINS = 100
NAMES = {
    "loss": "log loss",
    "refinement": "of it: classes told apart badly",
    "calibration": "of it: a temperature would mend",
    "brier": "Brier score",
    "ece": "calibration error, debiased",
    "smooth_ece": "calibration error, smooth",
    "classwise_ece": "calibration error, class-wise",
}
"""What the measures are called, in the order in which they are shown."""
CAPTION = (
    "Rows in bins of equal size by the confidence that the model states in its answer. On the dashed line it is right as "
    "often as it says; below it is too sure. The band is the 95 % interval of each bin."
)
EXPLAINED = "A debiased error is freed of what noise adds: 0 means that there is none that could be told from noise."


class Diagram(Record):
    """Bins of one diagram, each list in the same order."""

    rows: tuple[Number, ...] = ()
    confidence: tuple[Number, ...] = ()
    accuracy: tuple[Number, ...] = ()
    low: tuple[Number, ...] = ()
    high: tuple[Number, ...] = ()


class Side(Record):
    """Measures, intervals of some, and the diagram, before or after."""

    measures: dict[Text, Number] = Field(default_factory=dict)
    intervals: dict[Text, tuple[Number, Number] | None] = Field(default_factory=dict)
    diagram: Diagram | None = None


class Both(Record):
    """What was measured on one part."""

    before: Side | None = None
    after: Side | None = None
    part: Text = ""
    rows: Count | None = None


class Choice(Record):
    """What was chosen at the end of training."""

    method: Text = ""
    reason: Text = ""
    rows: Count | None = None


class Slice(Record):
    """Its slice of result.json."""

    reliability: Both | None = None
    calibration: Choice | None = None


class Reliability(Section):
    """Reliability diagrams with bands, and the measures of honesty, before and after."""

    kind: Literal["reliability"] = "reliability"
    order: ClassVar[int] = 52
    menu: ClassVar[str] = "Confidence"

    def show(self, run: RunRecord) -> Html | None:
        """Return the section, or None where no probabilities were measured."""
        found = run.read(Slice)
        both, choice = found.reliability or Both(), found.calibration or Choice()
        is_changed = choice.method not in ("", "none")
        titles = ("Before", "After calibration") if is_changed else ("", "Stated and reached")
        sides = [(title, side) for title, side in zip(titles, (both.before, both.after), strict=True) if title and side]
        shown = [(title, side, bins) for title, side in sides if (bins := _bins(side.diagram or Diagram()))]
        if not shown:
            return None
        charts = [figure(reliability_chart(bins), title=title, caption=CAPTION) for title, _, bins in shown]
        lead = _lead(choice, part=both.part, rows=both.rows)
        measures = _measures([(title, side) for title, side, _ in shown])
        return section("Confidence", tag("div", charts, class_="charts"), measures, anchor=self.anchor, lead=lead)


def _lead(choice: Choice, *, part: str, rows: int | None) -> str:
    measured = f"Measured on {say_count(rows, 'row')} of the {part} part. " if rows and part else ""
    chosen = f"Calibration: {choice.reason}" if choice.reason else ""
    fitted = f", fitted to {say_count(choice.rows, 'held-out row')}" if choice.reason and choice.rows else ""
    return f"{measured}{chosen}{fitted}{'.' if chosen else ''} {EXPLAINED}".strip()


def _bins(diagram: Diagram) -> list[Bin]:
    """Return the bins that can be drawn."""
    columns = zip(diagram.rows, diagram.confidence, diagram.accuracy, diagram.low, diagram.high, strict=False)
    found = []
    for cells in list(columns)[:MOST_BINS]:
        rows, *shares = (as_number(cell) for cell in cells)
        if rows is not None and rows >= 0 and all(share is not None and 0 <= share <= 1 for share in shares):
            confidence, accuracy, low, high = (float(share) for share in shares if share is not None)
            found.append(Bin(int(rows), confidence, accuracy, low, high))
    return found


def _measures(sides: list[tuple[str, Side]]) -> Html:
    """Return the measures as a table, a column a side."""
    rows = [
        [name, *(_said(side, key) for _, side in sides)]
        for key, name in NAMES.items()
        if any(key in side.measures for _, side in sides)
    ]
    return table(["", *(title for title, _ in sides)], rows, numeric=tuple(range(1, len(sides) + 1)))


def _said(side: Side, key: str) -> str:
    """Write a measure with its interval."""
    value, ends = as_number(side.measures.get(key)), side.intervals.get(key)
    low, high = (as_number(end) for end in ends) if ends else (None, None)
    between = f" ({say_number(low, digits=3)} to {say_number(high, digits=3)})" if low is not None and high is not None else ""
    return f"{say_number(value, digits=3)}{between}"
