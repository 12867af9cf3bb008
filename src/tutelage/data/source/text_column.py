"""A table whose rows are texts: the column that holds them, found or named, and the table as one text a row."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.core.errors import DataError, DataProblem
from tutelage.core.unspaced import count_words, latin_length
from tutelage.data.part.base import RowsPart
from tutelage.data.part.table import MixedPart, TablePart
from tutelage.data.part.texts import TextPart

__all__ = ["find_text_column", "has_many_words", "say_texts", "texts_of", "with_texts"]

LOOK_ROWS = 2_000
"""Rows by which a column is judged."""
LEAST_WORDS = 8
"""Words that cells have, on average, from which on a column holds texts and not names or categories."""
MOSTLY_DISTINCT = 0.5
LEAST_CHARACTERS = 80
"""Characters that cells have, on average, from which on single words as flags say too little (`data/prepare/columns.py`)."""
LEAST_DISTINCT = 20
"""Different texts of a table's only column from which on it holds texts though they come several times: few categories are."""
MAX_SHOWN = 10


def find_text_column(part: TablePart, *, wanted: str) -> str:
    """Return the column of texts of a table: the only one beside the target, or the only long ones; "" where there is none.

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
            several = [name.strip() for name in wanted.split(",")]
            if len(several) > 1 and all(name in part.columns for name in several):
                found = f"{wanted!r} names {len(several)} columns of texts"
                raise DataError([DataProblem(part.file, found, "One may be named; join them into one column first.")])
            raise DataError([DataProblem(part.file, f"there is no column {wanted!r} of texts", f"The columns are: {known}.")])
        if not _is_string(part.types[wanted]):
            found = f"column {wanted!r} holds {part.types[wanted]}, no texts"
            raise DataError([DataProblem(part.file, found, "Name another column: --text COLUMN, or leave --text out.")])
        return wanted
    others = [name for name in part.columns if name != part.target]
    if len(others) == 1:
        is_one = _holds_texts(part, others[0], least_characters=0) or _repeats_texts(part, others[0])
        return others[0] if is_one else ""
    long = [name for name in others if _holds_texts(part, name, least_characters=LEAST_CHARACTERS)]
    return long[0] if len(long) == 1 else ""


def has_many_words(part: TablePart, name: str) -> bool:
    """Tell whether the cells of a column are of many words, however often each is there."""
    return _are_texts(_looked_at(part, name), least_characters=0)


def with_texts(part: RowsPart, column: str, *, is_alone: bool) -> RowsPart:
    """Return the rows as texts, or as a table whose texts are learned from too; as they are where there are no texts.

    Args:
        part: The rows.
        column: The column of texts; "" where there is none.
        is_alone: Whether nothing else is to be learned from.
    """
    if not column or not isinstance(part, TablePart):
        return part
    others = [name for name in part.columns if name not in (column, part.target)]
    return texts_of(part, column) if is_alone or not others else MixedPart(part, column)


def texts_of(part: TablePart, column: str) -> TextPart:
    """Return the rows as texts; a missing one is an empty text."""
    cells = pc.fill_null(part.column(column).cast(pa.large_string()), "")
    names = np.array([f"{part.file} row {line}" for line in part.lines], dtype=object)
    texts = np.array(cells.to_pylist(), dtype=object)
    return TextPart(part.name, texts, part.labels, names, part.fingerprint, part.target, column)


def say_texts(part: RowsPart, column: str, *, is_found: bool, is_alone: bool) -> str:
    """Tell which column holds the texts, and what becomes of the others."""
    others = [name for name in part.columns if name not in (column, part.target)]
    shown = ", ".join(others[:MAX_SHOWN]) + (f" and {len(others) - MAX_SHOWN:,} more" if len(others) > MAX_SHOWN else "")
    otherwise = " (otherwise: --text none)" if is_found else ""
    if is_alone or not others:
        beside = f"; not learned from: {shown} (source.text_alone)" if others else ""
    else:
        beside = f"; beside it: {shown} (to learn from the texts alone: --set source.text_alone=true)"
    return f"texts: column {column}{otherwise}{beside}"


def _holds_texts(part: TablePart, name: str, *, least_characters: int) -> bool:
    """Tell whether cells are of many words, and mostly different."""
    cells = _looked_at(part, name)
    if len(set(cells)) < MOSTLY_DISTINCT * len(cells):
        return False
    return _are_texts(cells, least_characters=least_characters)


def _repeats_texts(part: TablePart, name: str) -> bool:
    """Tell whether cells are long texts of which many differ, each perhaps there several times."""
    cells = _looked_at(part, name)
    return len(set(cells)) >= LEAST_DISTINCT and _are_texts(cells, least_characters=LEAST_CHARACTERS)


def _looked_at(part: TablePart, name: str) -> list[str]:
    """Return the cells by which a column is judged; none of a column that holds no words."""
    return part.column(name).slice(0, LOOK_ROWS).drop_null().to_pylist() if _is_string(part.types[name]) else []


def _are_texts(cells: list[str], *, least_characters: int) -> bool:
    """Tell whether cells are of many words, and of many characters."""
    if not cells or sum(map(latin_length, cells)) < least_characters * len(cells):
        return False
    return sum(map(count_words, cells)) >= LEAST_WORDS * len(cells)


def _is_string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
