"""Text tables (CSV, TSV, UCI files) to columns of text, with the line of each row and all that is wrong with a line.

Arrow's parallel reader reads what it reads as it is meant, quoted cells among them, block by block from the file. What it
cannot tell is read by Python's, line by line: it says which row is unsound and why (cells too few or too many, wrong quotes,
bytes that are no text), reads quotes after a blank and old line endings, and leaves off delimiters at the end of all rows.
Neither ever holds the text as a whole.
"""

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.core.errors import DataError, DataProblem
from tutelage.data.source.column_names import name_columns
from tutelage.data.source.csv_columns import CsvColumns, CsvFormat
from tutelage.data.source.header import Naming
from tutelage.data.source.quotes import Quotes, look_at_quotes
from tutelage.data.source.raw_table import HeldColumns, RawTable, numbered
from tutelage.data.source.text_encoding import UNREADABLE, TextFile, open_text
from tutelage.data.source.text_layout import BLANKS, DELIMITERS, Layout, find_layout, read_rows

__all__ = ["read_delimited"]

CHUNK_ROWS = 50_000
CHUNK_CHARACTERS = 16_000_000
"""Rows, and characters in them, that are held as Python strings at a time."""


@dataclass
class _Body:
    """Rows while they are gathered."""

    width: int
    file: str
    chunks: list[list[pa.Array]] = field(default_factory=list)
    lines: list[np.ndarray] = field(default_factory=list)
    items: list[np.ndarray] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)
    problems: list[DataProblem] = field(default_factory=list)
    num_items: int = 0
    num_characters: int = 0
    blank_items: list[int] = field(default_factory=list)

    def add_blank(self, line: int) -> None:
        """Take a row without any value, which is passed over later, so that it is known how many there are."""
        self.blank_items.append(self.num_items)
        self.add([""] * self.width, line)

    def add(self, row: list[str], line: int) -> None:
        """Take a sound row."""
        self.rows.append(row)
        self.places.append((line, self.num_items))
        self.num_items += 1
        self.num_characters += sum(map(len, row))
        if len(self.rows) >= CHUNK_ROWS or self.num_characters >= CHUNK_CHARACTERS:
            self.flush()

    def refuse(self, line: int, found: str, remedy: str) -> None:
        """Take note of an unsound row."""
        self.problems.append(DataProblem(f"{self.file} row {line}", found, remedy, item=self.num_items))
        self.num_items += 1

    def refuse_quotes(self, line: int, error: str) -> None:
        """Take note of wrong quotes; one that is never closed hides all rows after it, so that row cannot be left out."""
        is_open = "end of data" in error
        found = "a quote is opened and never closed" if is_open else "text stands after a closing quote"
        remedy = "Close the quote; double those that belong to the text."
        self.problems.append(DataProblem(f"{self.file} row {line}", found, remedy, item=-1 if is_open else self.num_items))
        self.num_items += 1

    def flush(self) -> None:
        """Move the rows held as Python strings into Arrow columns."""
        columns = list(zip(*self.rows, strict=True)) if self.rows else [()] * self.width
        self.chunks.append([pa.array(column, type=pa.string()) for column in columns])
        places = np.array(self.places, dtype=np.int64).reshape(-1, 2)
        self.lines.append(places[:, 0].copy())
        self.items.append(places[:, 1].copy())
        self.rows.clear()
        self.places.clear()
        self.num_characters = 0


def read_delimited(path: Path, naming: Naming | None = None) -> RawTable:
    """Read a text table, plain or packed.

    Args:
        path: The file.
        naming: How its columns are to be named; to be found out by default.

    Raises:
        DataError: The file cannot be read, is packed and damaged, or has no rows.
    """
    try:
        text = open_text(path)
    except OSError as error:
        raise DataError([DataProblem(path.name, f"cannot be read ({error.strerror})", "Make it readable.")]) from error
    with _any_cell_length():
        layout = find_layout(text, naming)
        raw, is_blank = _read_by_arrow(text, layout) or _read_by_line(text, layout)
    is_name = _repeats_names(raw, layout) if layout.has_header else np.zeros(raw.num_rows, dtype=bool)
    num_blank = _drop_rows(raw, is_blank, is_name)
    notes = [f"{path.name}: {note}" for note in (text.note, *layout.notes) if note]
    if num_blank:
        notes.append(f"{path.name}: rows without any value were passed over: {num_blank:,}")
    if not raw.num_rows:
        found = "column names, but no rows" if not raw.problems else "no sound rows"
        raise DataError([*raw.problems, DataProblem(path.name, found, "Give a table with rows.")])
    problems, more_notes = name_columns(raw, layout.names)
    raw.has_header = layout.has_header
    raw.sample = layout.sample
    raw.digest = text.digest
    raw.problems = (*problems, *raw.problems)
    raw.notes = (*notes, *more_notes)
    return raw


@contextmanager
def _any_cell_length() -> Iterator[None]:
    """Lift the csv module's limit of 131,072 characters a cell, which long texts exceed, and put it back."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _read_by_arrow(text: TextFile, layout: Layout) -> tuple[RawTable, np.ndarray] | None:
    """Read a file by Arrow, and tell which rows are blank; None where it would not read it as it is meant."""
    if text.is_damaged or text.has_lone_returns or layout.width < 2 or layout.has_open_end or layout.delimiter == BLANKS:
        return None
    quotes = look_at_quotes(text.blocks(), delimiter=layout.delimiter) if text.has_quotes else None
    if quotes and (layout.is_spaced or not quotes.are_regular):
        return None
    has_breaks = quotes is not None and len(quotes.enclosed_breaks) > 0
    known = CsvFormat(
        text.stored, text.encoding, layout.delimiter, layout.width, layout.num_head_lines, quotes is not None, has_breaks
    )
    try:
        columns = CsvColumns(known)
    except pa.ArrowInvalid:  # rows of another width, or longer than a block
        return None
    num_rows = len(columns.is_blank)
    lines = _lines(layout, quotes, num_rows)
    if len(lines) != num_rows:
        return None
    return RawTable(text.path.name, columns, lines, numbered(num_rows), delimiter=layout.delimiter), columns.is_blank


def _lines(layout: Layout, quotes: Quotes | None, num_rows: int) -> np.ndarray:
    """Return the line on which each row begins."""
    first = layout.num_head_lines + 1
    if quotes is None or not len(quotes.enclosed_breaks):
        return numbered(num_rows, first=first)
    begins_row = np.ones(quotes.num_lines + 1, dtype=bool)
    begins_row[quotes.enclosed_breaks] = False  # line n + 1, at place n, goes on with what line n began
    lines = np.flatnonzero(begins_row[: quotes.num_lines]) + 1
    return lines[lines >= first]


def _read_by_line(text: TextFile, layout: Layout) -> tuple[RawTable, np.ndarray]:
    """Read row by row, and tell of every row that is unsound, and which ones are blank."""
    width, delimiter = layout.width, layout.delimiter
    body = _Body(width=width, file=text.path.name)
    for line, row in read_rows(text.lines(), delimiter, is_spaced=layout.is_spaced, num_before=layout.num_head_lines):
        if isinstance(row, str):
            body.refuse_quotes(line, row)
        elif not any(cell.strip() for cell in row):
            body.add_blank(line)
        elif text.is_damaged and any(UNREADABLE.search(cell) for cell in row):
            column = next(index for index, cell in enumerate(row) if UNREADABLE.search(cell))
            found = f"bytes in cell {column + 1} that are no text in this file's encoding"
            body.refuse(line, found, "Save the file as UTF-8, or mend the row.")
        elif len(row) == width + 1 and layout.has_open_end and not row[-1].strip():
            body.add(row[:-1], line)
        elif len(row) != width:
            found = f"{len(row)} cells, the {'header' if layout.has_header else 'first row'} has {width}"
            body.refuse(line, found, f"Mend the row; look for a missing or stray {DELIMITERS[delimiter]} or quote.")
        else:
            body.add(row, line)
    body.flush()
    columns = {str(index): pa.chunked_array([chunk[index] for chunk in body.chunks]) for index in range(width)}
    lines, items = np.concatenate(body.lines), np.concatenate(body.items)
    raw = RawTable(text.path.name, HeldColumns(columns), lines, items, delimiter=delimiter, problems=tuple(body.problems))
    return raw, np.isin(items, body.blank_items)


def _repeats_names(raw: RawTable, layout: Layout) -> np.ndarray:
    """Tell which rows hold the column names again, as where files were put one below the other, and take note of them."""
    rows = np.arange(raw.num_rows if not any(map(UNREADABLE.search, layout.names)) else 0)
    for name, place in zip(layout.names, raw.names, strict=True):
        if not len(rows):
            break
        cells = raw.columns.get(place)
        cells = cells if len(rows) == raw.num_rows else cells.take(pa.array(rows))
        rows = rows[np.asarray(pc.equal(pc.utf8_trim_whitespace(cells), name))]
    found, remedy = "the column names again", "Remove the row; files that are put together have one header."
    more = [DataProblem(f"{raw.file} row {raw.lines[row]}", found, remedy, item=int(raw.items[row])) for row in rows.tolist()]
    raw.problems = (*raw.problems, *more)
    is_name = np.zeros(raw.num_rows, dtype=bool)
    is_name[rows] = True
    return is_name


def _drop_rows(raw: RawTable, is_blank: np.ndarray, is_name: np.ndarray) -> int:
    """Leave out rows that are blank or hold names; return how many blank ones there were but those at the end of the file."""
    if not is_blank.any():
        raw.keep(~is_name)
        return 0
    last = int(np.flatnonzero(~is_blank)[-1]) if not is_blank.all() else -1
    num_blank = int(is_blank[:last].sum()) if last >= 0 else 0
    raw.keep(~is_blank & ~is_name)
    return num_blank
