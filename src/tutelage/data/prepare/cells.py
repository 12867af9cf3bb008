"""Cells of a table column as numbers, words or dates, with those that cannot be read marked, never guessed.

A column may come typed from Parquet or as text from a CSV; both read alike here. Not a component.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Cells", "count_distinct", "plain", "read_booleans", "read_dates", "read_numbers", "read_words"]

NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
TRUE_WORDS = ["true", "yes", "t", "y", "1", "1.0"]
FALSE_WORDS = ["false", "no", "f", "n", "0", "0.0"]
MICROSECONDS_PER_DAY = 86_400_000_000
SORTED_ROWS = 10_000
"""Rows from which on sorting numbers takes far less memory than a table of the different ones."""


@dataclass(frozen=True)
class Cells:
    """Cells read as numbers.

    Attributes:
        values: float64 [N]; NaN where a cell is missing or unreadable.
        unreadable: bool [N]; cells that hold something that is not what was asked for.
    """

    values: np.ndarray
    unreadable: np.ndarray


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column without dictionary encoding, views and NaN, so that equal cells are equal and missing ones null."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string_view(column.type):
        return column.cast(pa.string())
    if pa.types.is_floating(column.type):
        is_nan = pc.is_nan(column)
        return pc.if_else(is_nan, pa.scalar(None, column.type), column) if pc.any(is_nan).as_py() else column
    return column


def count_distinct(column: pa.ChunkedArray) -> int:
    """Count the different values of a column, missing ones left out; long columns of numbers by sorting, not by a table."""
    known = column.drop_null()
    if len(known) < SORTED_ROWS or not _is_number(known.type) or known.type.bit_width != 64 or pa.types.is_decimal(known.type):
        return int(pc.count_distinct(known).as_py())
    bits = np.sort(known.to_numpy().view(np.int64))
    return 1 + int(np.count_nonzero(bits[1:] != bits[:-1]))


def read_numbers(column: pa.ChunkedArray) -> Cells:
    """Read cells as numbers; NaN counts as missing.

    Example:
        >>> cells = read_numbers(pa.chunked_array([["7", "x", None]]))
        >>> cells.values.tolist(), cells.unreadable.tolist()
        ([7.0, nan, nan], [False, True, False])
    """
    column = plain(column)
    if _is_text(column.type):
        fits = pc.match_substring_regex(column, NUMBER)
        numbers = pc.if_else(fits, column, pa.scalar(None, column.type))
        return Cells(_to_float(pc.cast(pc.utf8_trim_whitespace(numbers), pa.float64())), _to_bool(pc.invert(fits)))
    if pa.types.is_null(column.type) or pa.types.is_boolean(column.type) or _is_number(column.type):
        return Cells(_to_float(pc.cast(column, pa.float64(), safe=False)), np.zeros(len(column), dtype=bool))
    return _unreadable(column)


def read_words(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Read cells as words; whole numbers lose their point, so that 3 and 3.0 are the same word.

    Example:
        >>> read_words(pa.chunked_array([[3.0, 0.5, None]])).to_pylist()
        ['3', '0.5', None]
    """
    column = plain(column)
    if pa.types.is_floating(column.type):
        whole = pc.and_(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), 2.0**53))
        integers = pc.cast(pc.if_else(whole, column, pa.scalar(None, column.type)), pa.int64(), safe=False)
        return pc.coalesce(pc.cast(integers, pa.string()), pc.cast(column, pa.string()))
    if pa.types.is_large_string(column.type) or not _is_text(column.type):
        return pc.cast(column, pa.string())
    return column


def read_booleans(column: pa.ChunkedArray) -> Cells:
    """Read cells as 0 (false, no) and 1 (true, yes)."""
    words = pc.utf8_lower(pc.utf8_trim_whitespace(read_words(column)))
    is_true = pc.is_in(words, value_set=pa.array(TRUE_WORDS))
    is_false = pc.is_in(words, value_set=pa.array(FALSE_WORDS))
    values = np.where(_to_bool(is_true), 1.0, np.where(_to_bool(is_false), 0.0, np.nan))
    return Cells(values, np.isnan(values) & _to_bool(pc.is_valid(words)))


def read_dates(column: pa.ChunkedArray) -> Cells:
    """Read cells as days since 1970-01-01, with the time of day as a fraction; text must be ISO 8601."""
    column = plain(column)
    if _is_text(column.type):
        fits = pc.match_substring_regex(column, r"^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?$")
        dates = pc.if_else(fits, column, pa.scalar(None, column.type))
        try:
            return Cells(_to_days(pc.cast(dates, pa.timestamp("us"))), _to_bool(pc.invert(fits)))
        except pa.ArrowInvalid:  # a date that looks right but does not exist, such as 2024-02-31
            return _dates_one_by_one(column)
    if pa.types.is_null(column.type) or pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
        return Cells(_to_days(pc.cast(column, pa.timestamp("us"), safe=False)), np.zeros(len(column), dtype=bool))
    return _unreadable(column)


def _dates_one_by_one(column: pa.ChunkedArray) -> Cells:
    """Read text dates one at a time, so that each impossible one is found."""
    days = np.full(len(column), np.nan)
    for row, text in enumerate(column.to_pylist()):
        try:
            days[row] = np.datetime64(text, "us").astype(np.int64) / MICROSECONDS_PER_DAY if text else np.nan
        except ValueError:
            continue
    return Cells(days, np.isnan(days) & _to_bool(pc.is_valid(column)))


def _unreadable(column: pa.ChunkedArray) -> Cells:
    """Mark each cell that is there as unreadable."""
    return Cells(np.full(len(column), np.nan), _to_bool(pc.is_valid(column)))


def _to_days(moments: pa.ChunkedArray) -> np.ndarray:
    """Return microseconds since 1970 as days."""
    days = _to_float(pc.cast(pc.cast(moments, pa.int64()), pa.float64(), safe=False))
    days /= MICROSECONDS_PER_DAY
    return days


def _to_float(column: pa.ChunkedArray) -> np.ndarray:
    """Return float64 with NaN for null."""
    values = np.empty(len(column), dtype=np.float64)
    start = 0
    for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
        values[start : start + len(chunk)] = chunk.to_numpy(zero_copy_only=False)
        start += len(chunk)
    return values


def _to_bool(mask: pa.ChunkedArray) -> np.ndarray:
    """Return bool with False for null."""
    return np.array(pc.fill_null(mask, False).to_numpy(), dtype=bool)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
