"""A table whose rows are texts: the column that holds them, found or named, and the table as one text a row."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.core.errors import DataError, DataProblem
from tutelage.data.part.table import TablePart
from tutelage.data.part.texts import TextPart

__all__ = ["as_texts", "find_text_column", "say_texts"]

LOOK_ROWS = 2_000
"""Rows by which a column is judged."""
LEAST_WORDS = 8
"""Words that cells have, on average, from which on a column holds texts and not names or categories."""
MOSTLY_DISTINCT = 0.5
MAX_SHOWN = 10


def find_text_column(part: TablePart, *, wanted: str) -> str:
    """Return the column of texts of a table that has nothing else to learn from; "" where there is none.

    Args:
        part: The train table.
        wanted: Its name as the user says it; `auto` finds out, `none` wants none.

    Raises:
        DataError: There is no such column, or its cells are no texts.
    """
    if wanted == "none":
        return ""
    if wanted != "auto":
        if wanted not in part.columns or wanted == part.target:
            known = ", ".join(name for name in part.columns if name != part.target)
            raise DataError([DataProblem(part.file, f"there is no column {wanted!r} of texts", f"The columns are: {known}.")])
        if not _is_string(part.types[wanted]):
            found = f"column {wanted!r} holds {part.types[wanted]}, no texts"
            raise DataError([DataProblem(part.file, found, "Name another column: --text COLUMN, or leave --text out.")])
        return wanted
    others = [name for name in part.columns if name != part.target]
    return others[0] if len(others) == 1 and _holds_texts(part, others[0]) else ""


def as_texts(part: TablePart, column: str) -> TextPart:
    """Return the rows as texts; a missing one is an empty text."""
    cells = pc.fill_null(part.column(column).cast(pa.large_string()), "")
    names = np.array([f"{part.file} row {line}" for line in part.lines], dtype=object)
    texts = np.array(cells.to_pylist(), dtype=object)
    return TextPart(part.name, texts, part.labels, names, part.fingerprint, part.target, column)


def say_texts(part: TablePart, column: str, *, is_found: bool) -> str:
    """Tell which column holds the texts, and that the others are not learned from."""
    others = [name for name in part.columns if name not in (column, part.target)]
    shown = ", ".join(others[:MAX_SHOWN]) + (f" and {len(others) - MAX_SHOWN:,} more" if len(others) > MAX_SHOWN else "")
    otherwise = " (otherwise: --text none)" if is_found else ""
    beside = f"; not learned from: {shown} (to learn from all columns, as words and numbers: --text none)" if others else ""
    return f"texts: column {column}{otherwise}{beside}"


def _holds_texts(part: TablePart, name: str) -> bool:
    """Tell whether cells are of many words, and mostly different."""
    if not _is_string(part.types[name]):
        return False
    cells = part.column(name).slice(0, LOOK_ROWS).drop_null().to_pylist()
    if not cells or len(set(cells)) < MOSTLY_DISTINCT * len(cells):
        return False
    return sum(len(cell.split()) for cell in cells) >= LEAST_WORDS * len(cells)


def _is_string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
