"""Which column is to be predicted, and what its cells say: here only an empty cell or `?` is missing, `None` is a class."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.core.catalog import suggest
from tutelage.core.errors import UsageError
from tutelage.data.source.arrow_types import kind_of
from tutelage.data.source.cells import MISSING, find_style, read_cells

__all__ = ["TargetCells", "choose_target", "read_target"]

USUAL_NAMES = (
    "target", "label", "labels", "class", "y", "outcome", "response", "income", "survived", "quality", "species", "sentiment",
    "diagnosis", "churn", "default", "median_house_value", "medv", "saleprice", "price", "rating", "score", "charges",
)  # fmt: skip
"""Names under which the target is found in public data sets, in the order in which they are looked for."""

NO_VALUE = ("", "?")
"""Spellings that mean that the target of a row is missing, whatever the other classes are."""

MAX_CODES = 20
"""Up to so many different numbers beside a few words are class names; more are numbers, and the words are mistakes."""


@dataclass(frozen=True, slots=True)
class TargetCells:
    """The target column as read.

    Attributes:
        values: Whole numbers, numbers or text; null where missing or odd.
        odd: Positions of cells that are no number though the others are.
        infinite: Positions of numbers that are not finite.
        note: What is worth telling, or "".
    """

    values: pa.Array
    odd: np.ndarray
    infinite: np.ndarray
    note: str = ""


def choose_target(names: Sequence[str], *, wanted: str, file: str, only_in_train: Sequence[str] = ()) -> tuple[str, str]:
    """Return the name of the target column and a note that says why.

    Args:
        names: All columns.
        wanted: What the user asked for, or `auto`.
        file: Name of the file, for messages.
        only_in_train: Columns that the test table does not have.

    Raises:
        UsageError: There is no such column.
    """
    if wanted != "auto":
        if wanted in names:
            return wanted, ""
        alike = [name for name in names if name.casefold().strip() == wanted.casefold().strip()]
        hint = f"; did you mean {alike[0]!r}?" if alike else suggest(wanted, list(names))
        raise UsageError(f"{file} has no column {wanted!r}{hint or '.'} Columns: {', '.join(names)}.")
    if len(only_in_train) == 1:
        return only_in_train[0], f"target = {only_in_train[0]}: the only column that the test table does not have"
    by_name = {name.casefold().strip(): name for name in reversed(names)}
    for usual in USUAL_NAMES:
        if usual in by_name:
            return by_name[usual], f"target = {by_name[usual]}: a usual name for it. Another one: --target COLUMN"
    return names[-1], f"target = {names[-1]}: the last column. Another one: --target COLUMN"


def read_target(cells: pa.Array, *, delimiter: str, expected: pa.DataType | None = None) -> TargetCells:
    """Read the target column of a text table: numbers if they all are, else class names as they are written.

    Args:
        cells: Trimmed text.
        delimiter: What divides the cells of the file.
        expected: Type of the target in the training table, where this is another one.
    """
    none = np.zeros(0, dtype=np.int64)
    given = _null_where(cells, NO_VALUE)
    if expected is not None and kind_of(expected) == "text":
        return TargetCells(given.cast(pa.string()), none, none)
    numbers = _null_where(cells, MISSING)
    style = find_style(numbers, delimiter=delimiter)
    is_number = style in ("integer", "number", "decimal_comma", "thousands")
    if expected is not None or is_number:
        typed = read_cells(numbers, style if is_number else "number")
        if expected is not None or not len(typed.odd) or pc.count_distinct(typed.values).as_py() > MAX_CODES:
            return TargetCells(typed.values, typed.odd, typed.infinite, typed.note)
    kept = Counter(text for text in given.to_pylist() if text in MISSING)
    shown = ", ".join(f"{name!r} ({count:,} x)" for name, count in sorted(kept.items()))
    note = f"{shown} in the target column was kept as a class name, not read as missing" if kept else ""
    return TargetCells(given.cast(pa.string()), none, none, note)


def _null_where(cells: pa.Array, spellings: Sequence[str]) -> pa.Array:
    """Make cells with one of some spellings null."""
    is_missing = pc.is_in(cells, value_set=pa.array(spellings, type=cells.type))
    return pc.if_else(is_missing, pa.scalar(None, cells.type), cells)
