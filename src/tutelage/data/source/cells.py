"""Text cells to typed columns: whole numbers, numbers, booleans, dates or text, and missing values however they are spelled.

A column is of a type if all of its cells are, or all but one in twenty: those few cells then count as missing and are told
of. Numbers written with leading zeros are codes (such as postal codes) and stay text.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.data.source.dates import ISO, Form, find_form, note_zones, read_dates

__all__ = [
    "MIN_FRACTION",
    "MISSING",
    "NUMBER",
    "Style",
    "Typed",
    "as_plain_text",
    "find_style",
    "null_where",
    "read_cells",
    "trim",
]

MISSING = (
    "",
    "?",
    "-",
    "NA",
    "na",
    "N/A",
    "n/a",
    "#N/A",
    "#NA",
    "NaN",
    "nan",
    "NAN",
    "NULL",
    "null",
    "Null",
    "None",
    "none",
)
"""Spellings of a missing value in feature columns."""

MIN_FRACTION = 0.95
"""Share of the cells of a column that must be of a type."""

MAX_STRING_BYTES = 2**31 - 1
"""What Arrow's plain string columns can hold."""

Style = Literal["empty", "integer", "number", "decimal_comma", "thousands", "boolean", "date", "text"]

INTEGER = r"^-?(0|[1-9][0-9]{0,17})$"
NUMBER = r"^[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
INFINITE = r"(?i)^[+-]?inf(inity)?$"
DECIMAL_COMMA = r"^[+-]?([1-9][0-9]{0,2}(\.[0-9]{3})+|0|[1-9][0-9]*)(,[0-9]+)?$"
THOUSANDS = r"^[+-]?(0|[1-9][0-9]{0,2}(,[0-9]{3})*)(\.[0-9]+)?$"
BOOLEAN = r"(?i)^(true|false)$"


@dataclass(frozen=True, slots=True)
class Typed:
    """A column that was read.

    Attributes:
        values: Values of one type, null where missing or odd.
        odd: Positions of cells that are not of the column's type.
        infinite: Positions of numbers that are not finite.
        note: What is worth telling, or "".
        form: How dates are written, see `dates.py`; "" where the column holds none.
    """

    values: pa.ChunkedArray
    odd: np.ndarray
    infinite: np.ndarray
    note: str = ""
    form: str = ""


def trim(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text cells without blanks at their ends."""
    return pc.utf8_trim_whitespace(column)


def null_where(cells: pa.ChunkedArray, spellings: Sequence[str]) -> pa.ChunkedArray:
    """Make cells with one of some spellings null."""
    known = pa.array(spellings, type=cells.type)
    chunks = []
    for chunk in cells.chunks:
        is_missing = pc.is_in(chunk, value_set=known)
        chunks.append(pc.if_else(is_missing, pa.scalar(None, cells.type), chunk) if pc.any(is_missing).as_py() else chunk)
    return pa.chunked_array(chunks, type=cells.type)


def find_style(cells: pa.ChunkedArray, *, delimiter: str) -> Style:
    """Tell how a column is written.

    Args:
        cells: Trimmed text, null where missing.
        delimiter: What divides the cells of the file; `1,234` is read as a thousand and more only in a comma file.
    """
    if cells.null_count == len(cells):
        return "empty"
    if _fits(cells, INTEGER, min_fraction=1):
        return "integer"
    if _fits(cells, NUMBER, INFINITE, min_fraction=MIN_FRACTION):
        return "number"
    comma: tuple[tuple[Style, str], ...] = (("decimal_comma", DECIMAL_COMMA), ("thousands", THOUSANDS))
    for style, pattern in comma if delimiter != "," else comma[::-1]:
        if _fits(cells, pattern, min_fraction=MIN_FRACTION):
            return style
    if _fits(cells, BOOLEAN, min_fraction=1):
        return "boolean"
    return "date" if find_form(cells, min_fraction=MIN_FRACTION) else "text"


def read_cells(cells: pa.ChunkedArray, style: Style, *, form: str = "") -> Typed:
    """Read trimmed text cells, null where missing, in a given style.

    Args:
        cells: Cells.
        style: How they are written.
        form: How dates are written, where that is known from the training table.
    """
    none = np.zeros(0, dtype=np.int64)
    if style in ("text", "empty"):
        return Typed(as_plain_text(cells), none, none)
    if style == "date":
        typed = _read_dates(cells, form)
    elif style == "boolean":
        typed = _read_chunks(cells, lambda chunk: pc.equal(pc.utf8_lower(chunk), "true"), BOOLEAN)
    elif style == "integer":
        typed = _read_chunks(cells, lambda chunk: pc.cast(chunk, pa.int64()), INTEGER)
    else:
        typed = _read_numbers(cells, style)
    return replace(typed, values=_in_one_piece(typed.values))


def as_plain_text(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text as plain strings, unless these are more than one such array can hold."""
    return _in_one_piece(cells.cast(pa.string() if cells.nbytes < MAX_STRING_BYTES else pa.large_string()))


def _in_one_piece(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Join the pieces of a column, so that the memory of the text around them can be given back as a whole."""
    return column if column.num_chunks == 1 else pa.chunked_array([column.combine_chunks()])


def _fits(cells: pa.ChunkedArray, *patterns: str, min_fraction: float) -> bool:
    """Tell whether enough cells fit one of the patterns; it ends as soon as it is clear that they do not."""
    present, num_odd = len(cells) - cells.null_count, 0
    for chunk in cells.chunks:
        fits = pc.match_substring_regex(chunk, patterns[0])
        for pattern in patterns[1:]:
            # Few cells need a second look.
            fits = fits if pc.all(fits).as_py() else pc.or_(fits, pc.match_substring_regex(chunk, pattern))
        num_odd += pc.sum(pc.invert(fits)).as_py() or 0
        if (present - num_odd) / present < min_fraction:
            return False
    return True


def _read_chunks(cells: pa.ChunkedArray, read: Callable[[pa.Array], pa.Array], *patterns: str) -> Typed:
    """Read a column piece by piece; values are null where the cell fits none of the patterns, and it is remembered where."""
    values: list[pa.Array] = []
    odd: list[np.ndarray] = []
    start = 0
    for chunk in cells.chunks:
        fits = pc.match_substring_regex(chunk, patterns[0])
        for pattern in patterns[1:]:
            fits = fits if pc.all(fits).as_py() else pc.or_(fits, pc.match_substring_regex(chunk, pattern))
        is_odd = pc.invert(fits)
        kept = pc.if_else(fits, chunk, pa.scalar(None, chunk.type)) if pc.any(is_odd).as_py() else chunk
        values.append(read(kept))
        odd.append(start + np.flatnonzero(pc.fill_null(is_odd, False).to_numpy(zero_copy_only=False)))
        start += len(chunk)
    read_all = pa.chunked_array(values) if values else pa.chunked_array([read(pa.array([], cells.type))])
    return Typed(read_all, np.concatenate([np.zeros(0, dtype=np.int64), *odd]), np.zeros(0, dtype=np.int64))


def _read_numbers(cells: pa.ChunkedArray, style: Style) -> Typed:
    """Read numbers in any of the three ways of writing them."""
    pattern = {"decimal_comma": DECIMAL_COMMA, "thousands": THOUSANDS}.get(style, NUMBER)
    note = {
        "decimal_comma": "numbers are written with a decimal comma",
        "thousands": "commas between digits were read as dividing thousands",
    }.get(style, "")

    def read(chunk: pa.Array) -> pa.Array:
        if style == "decimal_comma":
            chunk = pc.replace_substring(pc.replace_substring(chunk, ".", ""), ",", ".")
        elif style == "thousands":
            chunk = pc.replace_substring(chunk, ",", "")
        return pc.cast(chunk, pa.float64())

    typed = _read_chunks(cells, read, pattern, INFINITE)
    is_infinite = [pc.fill_null(pc.is_inf(chunk), False).to_numpy(zero_copy_only=False) for chunk in typed.values.chunks]
    return Typed(typed.values, typed.odd, np.flatnonzero(np.concatenate(is_infinite)), note)


def _read_dates(cells: pa.ChunkedArray, form: str) -> Typed:
    """Read dates in the way that is known, or that fits most cells."""
    found = (
        Form(form, note_zones(cells) if form == ISO else "") if form else find_form(cells, min_fraction=MIN_FRACTION) or Form(ISO)
    )
    dates = read_dates(cells, found.text)
    is_odd = np.asarray(pc.and_(pc.is_valid(cells), pc.is_null(dates)))
    return Typed(dates, np.flatnonzero(is_odd), np.zeros(0, dtype=np.int64), found.note, found.text)
