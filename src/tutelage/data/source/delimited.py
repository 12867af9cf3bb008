"""Text tables (CSV, TSV) to columns of text, with the line of each row and everything that is wrong with a line.

Clean files without quotes go through Arrow's parallel reader. All others go through Python's, which tells the line of
each row also where cells hold line breaks.
"""

import csv
import hashlib
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from tutelage.core.errors import DataError, Problem
from tutelage.data.source.column_names import name_columns
from tutelage.data.source.raw_table import RawTable
from tutelage.data.source.text_encoding import UNREADABLE, decode_text

__all__ = ["DELIMITERS", "read_delimited"]

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
"""Delimiters that are tried, in this order where they fit equally well."""

SAMPLE_ROWS = 100
SAMPLE_CHARACTERS = 1_000_000
CHUNK_ROWS = 50_000
"""Rows that are held as Python strings at a time."""


@dataclass
class _Body:
    """Rows while they are gathered."""

    width: int
    file: str
    chunks: list[pa.Table] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    items: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    num_items: int = 0

    def add(self, row: list[str], line: int) -> None:
        """Take a sound row."""
        self.rows.append(row)
        self.lines.append(line)
        self.items.append(self.num_items)
        self.num_items += 1
        if len(self.rows) >= CHUNK_ROWS:
            self.flush()

    def refuse(self, line: int, found: str, remedy: str) -> None:
        """Take note of an unsound row."""
        self.problems.append(Problem(f"{self.file} row {line}", found, remedy, item=self.num_items))
        self.num_items += 1

    def refuse_quotes(self, line: int, error: str) -> None:
        """Take note of wrong quotes; one that is never closed hides all rows after it, so that row cannot be left out."""
        is_open = "end of data" in error
        found = "a quote is opened and never closed" if is_open else "text stands after a closing quote"
        remedy = "Close the quote; double those that belong to the text."
        self.problems.append(Problem(f"{self.file} row {line}", found, remedy, item=-1 if is_open else self.num_items))
        self.num_items += 1

    def flush(self) -> None:
        """Move the rows held as Python strings into Arrow columns."""
        columns = list(zip(*self.rows, strict=True)) if self.rows else [()] * self.width
        arrays = [pa.array(column, type=pa.large_string()) for column in columns]
        self.chunks.append(pa.Table.from_arrays(arrays, names=[str(index) for index in range(self.width)]))
        self.rows.clear()


def read_delimited(path: Path) -> RawTable:
    """Read a text table; its first row that is not blank holds the column names.

    Raises:
        DataError: The file cannot be read, or has no rows.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError([Problem(path.name, f"cannot be read ({error.strerror})", "Make it readable.")]) from error
    decoded = decode_text(content)
    if not decoded.text.strip():
        found = "the file is empty (0 bytes)" if not content else "nothing but blanks in it"
        raise DataError([Problem(path.name, found, "Give a table with column names in its first row.")])
    notes = [f"{path.name}: {decoded.note}"] if decoded.note else []
    with _any_cell_length():
        delimiter = _find_delimiter(decoded.text, is_tsv=path.suffix.casefold() in (".tsv", ".tab"))
        names, line = _read_header(decoded.text, delimiter, path.name)
        encoded = content if decoded.encoding == "utf-8" else None
        raw = _read_fast(decoded.text, encoded, delimiter, len(names), path.name) if line == 1 else None
        raw = raw or _read_slowly(decoded.text, delimiter, len(names), path.name)
    raw, blank = _without_blank_rows(raw)
    if blank:
        notes.append(f"{path.name}: rows without any value were passed over: {blank:,}")
    if not raw.table.num_rows:
        found = "column names, but no rows" if not raw.problems else "no sound rows"
        raise DataError([*raw.problems, Problem(path.name, found, "Give a table with rows.")])
    table, problems, more_notes = name_columns(raw.table, names, path.name)
    digest = hashlib.sha256(content).hexdigest()
    return replace(raw, table=table, digest=digest, problems=(*problems, *raw.problems), notes=(*notes, *more_notes))


@contextmanager
def _any_cell_length() -> Iterator[None]:
    """Lift the csv module's limit of 131,072 characters a cell, which long texts exceed, and put it back."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """Yield the line on which each row begins with its cells, or with what is wrong with it."""
    spaced = f'{delimiter} "' in text[:SAMPLE_CHARACTERS]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=spaced)
    while True:
        line = reader.line_num + 1
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, str(error)


def _find_delimiter(text: str, *, is_tsv: bool) -> str:
    """Choose the delimiter under which most of the first rows have as many cells as the header, and more than one."""
    scores: dict[str, tuple[float, int]] = {}
    for delimiter in DELIMITERS:
        sample = (row for _, row in _rows(text[:SAMPLE_CHARACTERS], delimiter) if isinstance(row, list) and any(row))
        widths = [len(row) for row, _ in zip(sample, range(SAMPLE_ROWS), strict=False)]
        width = widths[0] if widths else 1
        scores[delimiter] = (widths.count(width) / len(widths), width) if width > 1 else (0.0, 1)
    best = max(scores, key=lambda delimiter: (scores[delimiter][0], scores[delimiter][1]))
    return "\t" if is_tsv and scores["\t"][1] > 1 else best


def _read_header(text: str, delimiter: str, file: str) -> tuple[list[str], int]:
    """Return the column names and the line they stand on."""
    for line, row in _rows(text[:SAMPLE_CHARACTERS], delimiter):
        if isinstance(row, str):
            raise DataError([Problem(f"{file} row {line}", f"the column names cannot be read ({row})", "Mend the quotes.")])
        if any(cell.strip() for cell in row):
            return [cell.strip() for cell in row], line
    raise DataError([Problem(file, "no column names", "Give a table with column names in its first row.")])


def _read_fast(text: str, encoded: bytes | None, delimiter: str, width: int, file: str) -> RawTable | None:
    """Read a file that needs no special care, or return None."""
    if '"' in text or UNREADABLE.search(text) or text.count("\r") != text.count("\r\n") or width < 2:
        return None
    names = [str(index) for index in range(width)]
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(encoded if encoded is not None else text.encode()),
            read_options=pyarrow.csv.ReadOptions(column_names=names, skip_rows=1),
            # A blank line counts as a row of empty cells, so that row numbers stay line numbers.
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, quote_char=False, ignore_empty_lines=False),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()), null_values=[], strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    items = np.arange(table.num_rows)
    return RawTable(file=file, table=table, lines=items + 2, items=items, delimiter=delimiter)


def _read_slowly(text: str, delimiter: str, width: int, file: str) -> RawTable:
    """Read row by row, and tell of every row that is unsound."""
    body = _Body(width=width, file=file)
    is_damaged = bool(UNREADABLE.search(text))
    rows = _rows(text, delimiter)
    next(row for _, row in rows if any(cell.strip() for cell in row))  # the header
    has_open_end = _has_open_end(text, delimiter, width)
    for line, row in rows:
        if isinstance(row, str):
            body.refuse_quotes(line, row)
        elif not any(cell.strip() for cell in row):
            body.add([""] * width, line)
        elif is_damaged and any(UNREADABLE.search(cell) for cell in row):
            column = next(index for index, cell in enumerate(row) if UNREADABLE.search(cell))
            found = f"bytes in cell {column + 1} that are no text in this file's encoding"
            body.refuse(line, found, "Save the file as UTF-8, or mend the row.")
        elif len(row) == width + 1 and has_open_end and not row[-1].strip():
            body.add(row[:-1], line)
        elif len(row) != width:
            found = f"{len(row)} cells, the header has {width}"
            body.refuse(line, found, f"Mend the row; look for a missing or stray {DELIMITERS[delimiter]} or quote.")
        else:
            body.add(row, line)
    body.flush()
    return RawTable(
        file=file,
        table=pa.concat_tables(body.chunks),
        lines=np.array(body.lines, dtype=np.int64),
        items=np.array(body.items, dtype=np.int64),
        delimiter=delimiter,
        problems=tuple(body.problems),
    )


def _has_open_end(text: str, delimiter: str, width: int) -> bool:
    """Tell whether all rows, but not the header, end with a delimiter, as some programs write them."""
    sample = [row for (_, row), _ in zip(_rows(text[:SAMPLE_CHARACTERS], delimiter), range(SAMPLE_ROWS), strict=False)]
    body = [row for row in sample[1:-1] if isinstance(row, list) and any(row)]
    return bool(body) and all(len(row) == width + 1 and not row[-1].strip() for row in body)


def _without_blank_rows(raw: RawTable) -> tuple[RawTable, int]:
    """Leave out rows whose cells are all empty; return how many there were, those at the end of the file not counted."""
    columns = raw.table.columns
    is_blank = np.ones(raw.table.num_rows, dtype=bool)
    for column in columns:
        candidates = np.flatnonzero(is_blank)
        if not len(candidates):
            return raw, 0
        lengths = pc.utf8_length(pc.utf8_trim_whitespace(column.take(pa.array(candidates))))
        is_blank[candidates] = lengths.to_numpy() == 0
    last = int(np.flatnonzero(~is_blank)[-1]) if (~is_blank).any() else -1
    kept = raw.keep(~is_blank)
    return kept, int(is_blank[:last].sum()) if last >= 0 else 0
