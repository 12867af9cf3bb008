"""One awkward table: what is in its file, and what must come of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["NAMELESS", "PLAIN", "ROWS", "SIZES", "COUNTS", "Case", "Rows", "column", "text"]

Rows = list[list[str]]


@dataclass(frozen=True)
class Case:
    """A table, and what is expected of it.

    Attributes:
        name: Of the case within its kind.
        content: Of the file, or what writes it, given its path.
        file: Name of the file, or of the folder that `content` makes.
        settings: Of the source.
        refused: What the refusal must say, a regular expression; "" where the table is to be read.
        told: What must be told, regular expressions.
        num_rows: Rows that must be there.
        num_refused: Problems that must be told.
        num_missing: Cells that are missing in the file.
        values: How columns must begin.
        target: Which column must be the target.
        kind: What is awkward about it: the name of the function that gives it.
    """

    name: str
    content: bytes | str | Callable[[Path], object]
    file: str = "t.csv"
    settings: Mapping[str, Any] = field(default_factory=dict)
    refused: str = ""
    told: Sequence[str] = ()
    num_rows: int | None = None
    num_refused: int = 0
    num_missing: int = 0
    values: Mapping[str, Sequence[object]] = field(default_factory=dict)
    target: str = ""
    kind: str = ""

    def write(self, folder: Path) -> Path:
        """Write the file into a folder and return its path."""
        path = folder / self.file
        if callable(self.content):
            self.content(path)
        else:
            path.write_bytes(self.content.encode() if isinstance(self.content, str) else self.content)
        return path


def _plain_rows(count: int = 40) -> Rows:
    """Return rows of a number, a whole number, a word and a label."""
    return [
        [f"{i * 0.5 + 0.25}", str(i * 7 % 31 + 100), f"w{'abcde'[i % 5]}", ["no", "yes"][i * i % 3 % 2]] for i in range(count)
    ]


def text(rows: Sequence[Sequence[str]], *, names: str = "size,count,word,y", delimiter: str = ",", end: str = "\n") -> str:
    """Write rows as a text table; "" as names writes no header."""
    head = [names.split(",")] if names else []
    return "".join(delimiter.join(row) + end for row in [*head, *rows])


def column(cells: Sequence[str], *, name: str = "x", delimiter: str = ",") -> str:
    """Write a table of one column, a number and a label."""
    rows = [[cell, str(i), "ab"[i % 2]] for i, cell in enumerate(cells)]
    return text(rows, names=f"{name},n,y", delimiter=delimiter)


ROWS = _plain_rows()
SIZES = [float(row[0]) for row in ROWS]
COUNTS = [int(row[1]) for row in ROWS]
PLAIN: dict[str, Any] = {
    "num_rows": 40,
    "values": {"size": SIZES[:3], "count": COUNTS[:3], "word": ["wa", "wb", "wc"]},
    "target": "y",
}
NAMELESS: dict[str, Any] = {
    "num_rows": 40,
    "values": {"column 1": SIZES[:3], "column 2": COUNTS[:3]},
    "target": "column 4",
    "told": ["no header row"],
}
