"""Columns that only number the rows: they make equal rows look different, and tell nothing about the target."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.data.part.base import Part, RowsPart
from tutelage.data.prepare.cells import count_distinct, plain
from tutelage.data.prepare.columns import ID_NAME

__all__ = ["number_columns", "numbers_rows"]

MIN_ROWS = 20
"""In fewer rows, numbers that rise say nothing about being a count."""

LARGEST = 2.0**53
"""Above, floats skip whole numbers."""


def number_columns(*parts: Part | None) -> frozenset[str]:
    """Return the columns, but the target, that number the rows of any of some parts."""
    return frozenset(
        name
        for part in parts
        if isinstance(part, RowsPart) and len(part) >= MIN_ROWS
        for name in part.columns
        if name != part.target and numbers_rows(part, name)
    )


def numbers_rows(part: RowsPart, name: str) -> bool:
    """Tell whether a column counts its rows, or is called an id and differs in each of them."""
    cells = part.column(name)
    if cells is None or cells.null_count:
        return False
    kind = cells.type
    if pa.types.is_integer(kind):
        whole = cells.to_numpy()
        rises = whole[1:] > whole[:-1]
        is_counted = rises.all() or bool((whole[1:] < whole[:-1]).all())
        return bool(is_counted) or bool(ID_NAME.search(name) and count_distinct(cells) == len(cells))
    if pa.types.is_floating(kind):
        values = cells.to_numpy().astype(np.float64)
        if not np.isfinite(values).all() or np.abs(values).max() > LARGEST:
            return False
        return bool((np.abs(np.diff(values)) == 1).all() and abs(values[-1] - values[0]) == len(values) - 1)
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return is_text and bool(ID_NAME.search(name)) and int(pc.count_distinct(plain(cells)).as_py()) == len(cells)
