"""An explanation as data: steps in the order of a training, each with one sentence, its blocks and its numbers.

The blocks say how it is shown - on a terminal (`Explanation.text`) and on a page (`report/lesson_page.py`) - and the numbers
are what `--json` gives.
"""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tutelage.core.outlet import one_line

__all__ = ["Block", "Explanation", "Facts", "Formula", "Picture", "Quote", "Remark", "Spread", "Stage", "Table", "say"]

WIDTH = 110
"""Characters of a line of text."""
MAX_CELL = 60
"""Characters of a cell of a table on a terminal; the last one of a row may be longer."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Named values."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headers.

    Attributes:
        title: What it shows.
        headers: Of the columns.
        rows: Cells.
        numeric: Columns of numbers.
        bars: The column whose numbers are drawn as bars beside it, and their lengths; None without.
    """

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Sequence[int] = ()
    bars: tuple[int, Sequence[float]] | None = None


@dataclass(frozen=True, slots=True)
class Formula:
    """Sums, one a line."""

    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Remark:
    """Something worth knowing; `warning` where it is no good news."""

    text: str
    kind: str = "note"


@dataclass(frozen=True, slots=True)
class Quote:
    """A text as it was read."""

    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, base64 of a PNG; a terminal cannot show it."""

    png: str
    alt: str


@dataclass(frozen=True, slots=True)
class Spread:
    """How often each range of values occurs in each of several layers: a small chart a layer, on the page alone."""

    title: str
    values: Sequence[tuple[str, Sequence[float]]]


Block = Facts | Table | Formula | Remark | Quote | Picture | Spread


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the explanation.

    Attributes:
        name: For programs, such as `forward`.
        title: For people.
        sentence: What happens here, for somebody who has never seen it.
        blocks: What is shown.
        numbers: The same as JSON values.
    """

    name: str
    title: str
    sentence: str
    blocks: Sequence[Block]
    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Explanation:
    """One row's way through a training.

    Attributes:
        run: The run folder.
        part: Of the data.
        row: Its number in that part, from 1.
        where: Where it was read.
        stages: In the order in which they happen.
        called: How the row is called: as it was counted, and where it was read; "" = the latter alone.
    """

    run: str
    part: str
    row: int
    where: str
    stages: tuple[Stage, ...]
    called: str = ""

    @property
    def title(self) -> str:
        """What is explained."""
        return f"{self.called or self.where}: one row through the training"

    def stage(self, name: str) -> Mapping[str, Any]:
        """Return the numbers of a stage, such as `forward`."""
        return next(stage.numbers for stage in self.stages if stage.name == name)

    def record(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        head: dict[str, Any] = {"run": self.run, "part": self.part, "row": self.row, "where": self.where}
        return head | {stage.name: {"title": stage.title, "sentence": stage.sentence, **stage.numbers} for stage in self.stages}

    def text(self) -> str:
        """Return it as lines for a terminal."""
        title = one_line(self.title)
        lines = [title, "=" * min(len(title), WIDTH)]
        for number, stage in enumerate(self.stages, start=1):
            heading = f"{number}. {stage.title}"
            lines += ["", heading, "-" * len(heading), *textwrap.wrap(stage.sentence, WIDTH)]
            for block in stage.blocks:
                shown = _as_lines(block)
                lines += ["", *shown] if shown else []
        return "\n".join(lines) + "\n"

    def __str__(self) -> str:
        return self.text()


def say(value: float | int | None) -> str:
    """Write a number with four digits; `-` where there is none.

    Example:
        >>> say(0.13926), say(12), say(None), say(1234567)
        ('0.1393', '12', '-', '1,234,567')
    """
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _as_lines(block: Block) -> list[str]:
    """Return a block as lines; none where a terminal cannot show it."""
    match block:
        case Facts(pairs):
            widest = max((len(name) for name, _ in pairs), default=0)
            return [line for name, value in pairs for line in _hanging(f"  {name.ljust(widest)}  ", value)]
        case Table():
            return _as_table(block)
        case Formula(lines):
            return [f"    {one_line(line)}" for line in lines]
        case Remark(text):
            return textwrap.wrap(one_line(text), WIDTH, initial_indent="  * ", subsequent_indent="    ")
        case Quote(text):
            return [f"  | {line}" for part in text.split("\n") for line in textwrap.wrap(part, WIDTH - 4) or [""]]
        case Picture(_, alt):
            return [f"  [{alt}: on the page, --out page.html]"]
        case Spread():
            return []


def _hanging(start: str, text: str) -> list[str]:
    """Break a text so that further lines stand below its beginning."""
    return textwrap.wrap(one_line(text), WIDTH, initial_indent=start, subsequent_indent=" " * len(start)) or [start.rstrip()]


def _as_table(table: Table) -> list[str]:
    """Return a table with columns below each other."""
    cells = [[*(_cut(cell, MAX_CELL) for cell in row[:-1]), _cut(row[-1], WIDTH)] for row in (table.headers, *table.rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(table.headers))]
    lines = [
        "  "
        + "  ".join(
            cell.rjust(width) if column in table.numeric else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    title = textwrap.wrap(one_line(table.title) + ":", WIDTH, initial_indent="  ", subsequent_indent="  ") if table.title else []
    return [*title, *lines]


def _cut(cell: str, longest: int) -> str:
    """Return a cell on one line, of bounded length."""
    line = one_line(cell)
    return line if len(line) <= longest else f"{line[: longest - 3]}..."
