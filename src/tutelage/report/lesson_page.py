"""An explanation of one row as a page in the report's look: a section a stage, with small charts."""

import math
from collections.abc import Sequence
from pathlib import Path

from tutelage.core.durable import write_durably
from tutelage.core.errors import UsageError
from tutelage.report.blocks import fact, figure, fold, note, section, table
from tutelage.report.charts.bars import bar_list
from tutelage.report.charts.histogram import histogram
from tutelage.report.document import document
from tutelage.report.html import Child, Html, join, picture, tag
from tutelage.run.lesson import Block, Explanation, Facts, Formula, Picture, Quote, Remark, Spread, Stage, Table

__all__ = ["lesson_page", "require_page_name", "write_lesson"]

SUFFIXES = (".html", ".htm")
MOST_CHARTS = 24
"""Layers whose outputs are drawn."""
LONG_FACT = 60
"""Characters from which on a fact is told in a line of its own."""


def write_lesson(explanation: Explanation, path: str | Path) -> None:
    """Write an explanation as one HTML file.

    Raises:
        UsageError: The name does not end in .html.
        DiskError: It cannot be written.
    """
    require_page_name(path)
    write_durably(Path(path), lesson_page(explanation).encode("utf-8", "replace"))


def require_page_name(path: str | Path) -> None:
    """Refuse a name that is not that of a page.

    Raises:
        UsageError: It does not end in .html.
    """
    if Path(path).suffix not in SUFFIXES:
        raise UsageError(f"--out {path}: expected a name that ends in .html.")


def lesson_page(explanation: Explanation) -> str:
    """Return an explanation as one HTML page."""
    links = [tag("a", f"{number}. {stage.name}", href=f"#{stage.name}") for number, stage in enumerate(explanation.stages, 1)]
    main = tag(
        "main",
        tag("p", f"run {explanation.run}", class_="eyebrow"),
        tag("h1", explanation.title),
        tag("nav", links, aria_label="Stages"),
        [_stage(number, stage) for number, stage in enumerate(explanation.stages, start=1)],
        tag("footer", "Written by tutelage explain. Click a column title to sort; hover a chart for its values."),
    )
    return document(f"{explanation.title} - tutelage", main)


def _stage(number: int, stage: Stage) -> Html:
    """Return one stage as a section."""
    blocks: list[Child | Sequence[Child]] = [tag("div", _shown(block), class_="block") for block in stage.blocks]
    return section(f"{number}. {stage.title}", *blocks, anchor=stage.name, lead=stage.sentence)


def _shown(block: Block) -> Html | None:
    """Return a block as markup."""
    match block:
        case Facts(pairs):
            short = [fact(name, value) for name, value in pairs if len(value) < LONG_FACT]
            long = [tag("p", tag("b", f"{name}: "), value) for name, value in pairs if len(value) >= LONG_FACT]
            return join(tag("dl", short, class_="facts") if short else None, long)
        case Table():
            return _table(block)
        case Formula(lines):
            return tag("pre", "\n".join(lines))
        case Remark(text, kind):
            return note(text, kind=kind)
        case Quote(text):
            return tag("pre", text, class_="sample")
        case Picture(png, alt):
            return picture(png, alt=alt, class_="picture")
        case Spread():
            return _spread(block)


def _table(block: Table) -> Html:
    """Return a table, and bars below it where it has such."""
    shown = table(block.headers, block.rows, numeric=block.numeric, sortable=True, class_="compact")
    bars = None
    if block.bars is not None:
        column, lengths = block.bars
        rows = [(row[0], length, row[column]) for row, length in zip(block.rows, lengths, strict=True)]
        bars = figure(bar_list(rows), title=f"{block.headers[column]}")
    return join(tag("h3", block.title) if block.title else None, shown, bars)


def _spread(block: Spread) -> Html | None:
    """Return a histogram for each layer; of very many, for some that are evenly spaced."""
    finite = [(name, [value for value in values if math.isfinite(value)]) for name, values in block.values]
    drawn = [(name, values) for name, values in finite if values]
    if not drawn:
        return None
    chosen = drawn[:: -(-len(drawn) // MOST_CHARTS)]
    charts = [figure(histogram(values, x_label="value", y_label="numbers", height=220.0), title=name) for name, values in chosen]
    return fold(block.title, tag("div", charts, class_="charts"), is_open=len(charts) <= 8)
