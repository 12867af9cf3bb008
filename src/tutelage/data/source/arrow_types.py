"""Typed columns (Parquet, Arrow, data frames) to the few types that tables are made of here.

Whole numbers become int64, other numbers float64 (float32 where they come so) with NaN as missing, dates and times
microseconds, text plain strings.
Nested and binary columns are left out, and told of.
"""

from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from tutelage.data.source.cells import as_plain_text
from tutelage.data.source.dates import DATE

__all__ = ["TYPE_OF", "Kind", "is_text", "kind_of", "plain_column", "plain_columns", "positions"]

Kind = Literal["number", "boolean", "date", "text"]
"""What a column holds, however it is written."""

FIRST_SECOND, LAST_SECOND = -62_135_596_800, 253_402_300_800
"""From 0001-01-01 to 9999-12-31, in seconds since 1970."""

TYPE_OF: dict[Kind, pa.DataType] = {"number": pa.float64(), "boolean": pa.bool_(), "date": DATE, "text": pa.string()}


def plain_columns(table: pa.Table, *, file: str) -> tuple[dict[str, pa.ChunkedArray], list[str]]:
    """Return the columns that can be used, in plain types, and notes on those that cannot."""
    columns: dict[str, pa.ChunkedArray] = {}
    notes: list[str] = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        plain = plain_column(column)
        if plain is None:
            notes.append(f"{file}: column {name} holds {column.type} values: left out")
        else:
            columns[name] = plain
            zone = column.type.tz if types.is_timestamp(column.type) else None
            if zone and zone.upper() not in ("UTC", "Z", "+00:00", "ETC/UTC"):
                notes.append(f"{file}: column {name}: times have the zone {zone}: taken and written as UTC")
            num_lost = plain.null_count - column.null_count if types.is_timestamp(plain.type) else 0
            if num_lost:
                notes.append(f"{file}: column {name}: {num_lost:,} dates outside of the years 1 to 9999 count as missing")
    return columns, notes


def plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Return a column in its plain type, or None where it has none."""
    kind = column.type
    if types.is_dictionary(kind):
        return plain_column(column.cast(kind.value_type))
    if is_text(kind):
        return as_plain_text(column)
    if types.is_integer(kind):
        is_wide = types.is_uint64(kind) and (pc.max(column).as_py() or 0) >= 2**63
        return column.cast(pa.float64() if is_wide else pa.int64(), safe=not is_wide)
    if types.is_floating(kind) or types.is_decimal(kind):
        numbers = column if types.is_float32(kind) else column.cast(pa.float64(), safe=False)
        has_nan = bool(pc.any(pc.is_nan(numbers)).as_py())
        return pc.if_else(pc.is_nan(numbers), pa.scalar(None, numbers.type), numbers) if has_nan else numbers
    if types.is_date(kind) or types.is_timestamp(kind):
        return _plain_dates(column)
    if types.is_time(kind) or types.is_duration(kind):
        unit = pa.time64("us") if types.is_time(kind) else pa.duration("us")
        return pc.divide(column.cast(unit, safe=False).cast(pa.int64()).cast(pa.float64()), 1e6)
    if types.is_null(kind):
        return column.cast(pa.string())
    return column if types.is_boolean(kind) else None


def _plain_dates(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return dates in microseconds; null outside of the years 1 to 9999, which is all that can be shown."""
    if types.is_timestamp(column.type):
        column = column.cast(pa.timestamp(column.type.unit))  # those with a zone in UTC
    unit = "s" if types.is_date(column.type) else column.type.unit
    moments = column.cast(pa.timestamp("s"), safe=False) if types.is_date(column.type) else column
    scale = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    first, last = (max(-(2**63), min(2**63 - 1, bound * scale)) for bound in (FIRST_SECOND, LAST_SECOND))
    numbers = moments.cast(pa.int64())
    is_known = pc.and_(pc.greater_equal(numbers, first), pc.less(numbers, last))
    return pc.if_else(is_known, column, pa.scalar(None, column.type)).cast(DATE, safe=False)


def is_text(type_: pa.DataType) -> bool:
    """Tell whether a column holds plain text; categories, which are named by text, are none."""
    return bool(types.is_string(type_) or types.is_large_string(type_) or types.is_string_view(type_))


def kind_of(type_: pa.DataType) -> Kind:
    """Return the kind of a plain type."""
    if types.is_integer(type_) or types.is_floating(type_):
        return "number"
    if types.is_boolean(type_):
        return "boolean"
    return "date" if types.is_timestamp(type_) else "text"


def positions(mask: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Return where a boolean column is true; null counts as false."""
    flags: np.ndarray = np.asarray(pc.fill_null(mask, False))
    return np.flatnonzero(flags)
