"""Which column is to be predicted, and what its cells say: here only an empty cell or `?` is missing, `None` is a class."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.core.catalog import suggest
from tutelage.core.errors import UsageError
from tutelage.data.source.arrow_types import kind_of
from tutelage.data.source.cells import MISSING, as_plain_text, find_style, null_where, read_cells

__all__ = ["NO_TARGET", "TargetCells", "TargetChoice", "choose_target", "read_target"]

NO_TARGET = "none"
"""Said in place of a column where there is nothing to predict."""
PLAIN_NAMES = ("target", "label", "labels", "class", "y", "outcome", "response")
"""Names that say that a column is the target."""
USUAL_NAMES = (
    "income", "survived", "quality", "species", "sentiment", "diagnosis", "churn", "default", "median_house_value", "medv",
    "saleprice", "price", "rating", "score", "charges",
)  # fmt: skip
"""Names under which the target is found in public data sets; in others they are features, so a pick by them is a guess."""

NO_VALUE = ("", "?")
"""Spellings that mean that the target of a row is missing, whatever the other classes are."""

MAX_CODES = 20
"""Up to so many different numbers beside a few words are class names; more are numbers, and the words are mistakes."""


@dataclass(frozen=True, slots=True)
class TargetChoice:
    """The target column.

    Attributes:
        name: Of the column.
        note: Why it is sure that it is this one, where that is worth telling, or "".
        warning: How it was guessed, or "".
    """

    name: str
    note: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class TargetCells:
    """The target column as read.

    Attributes:
        values: Whole numbers, numbers or text; null where missing or odd.
        odd: Positions of cells that are no number though the others are.
        infinite: Positions of numbers that are not finite.
        note: What is worth telling, or "".
    """

    values: pa.ChunkedArray
    odd: np.ndarray
    infinite: np.ndarray
    note: str = ""


def choose_target(names: Sequence[str], *, wanted: str, file: str, only_in_train: Sequence[str] = ()) -> TargetChoice:
    """Choose the target column: as the user says, else what the test table lacks, else a guess by name or position.

    Args:
        names: All columns.
        wanted: What the user asked for, `auto`, or `none`.
        file: Name of the file, for messages.
        only_in_train: Columns that the test table does not have.

    Raises:
        UsageError: There is no such column, or several have names of a target.
    """
    if wanted != "auto":
        if wanted in names:
            return TargetChoice(wanted)
        if wanted == NO_TARGET:
            return TargetChoice("")
        alike = [name for name in names if name.casefold().strip() == wanted.casefold().strip()]
        hint = f"; did you mean {alike[0]!r}?" if alike else suggest(wanted, list(names))
        raise UsageError(f"{file} has no column {wanted!r}{hint or '.'} Columns: {', '.join(names)}.")
    if len(only_in_train) == 1:
        name = only_in_train[0]
        return TargetChoice(name, note=f"target = {name}: the only column that the test table does not have")
    for usual in (PLAIN_NAMES, USUAL_NAMES):
        found = [name for name in names if name.casefold().strip() in usual]
        if len(found) > 1:
            listed = " or ".join(repr(name) for name in found)
            raise UsageError(f"{file}: the target may be {listed}, to go by their names. Say which: --target COLUMN.")
        if found:
            return TargetChoice(found[0], warning=_guess(file, found[0], "it has a usual name for it"))
    return TargetChoice(names[-1], warning=_guess(file, names[-1], "it is the last column, and none has a usual name for it"))


def _guess(file: str, name: str, reason: str) -> str:
    """Tell that the target was guessed."""
    return f"{file}: the target was guessed to be {name!r}, since {reason}. --target COLUMN says it"


def read_target(cells: pa.ChunkedArray, *, delimiter: str, expected: pa.DataType | None = None) -> TargetCells:
    """Read the target column of a text table: numbers if they all are, else class names as they are written.

    Args:
        cells: Trimmed text.
        delimiter: What divides the cells of the file.
        expected: Type of the target in the training table, where this is another one.
    """
    none = np.zeros(0, dtype=np.int64)
    given = null_where(cells, NO_VALUE)
    if expected is not None and kind_of(expected) == "text":
        return TargetCells(as_plain_text(given), none, none)
    numbers = null_where(cells, MISSING)
    style = find_style(numbers, delimiter=delimiter)
    is_number = style in ("integer", "number", "decimal_comma", "thousands")
    if expected is not None or is_number:
        typed = read_cells(numbers, style if is_number else "number")
        if expected is not None or not len(typed.odd) or pc.count_distinct(typed.values).as_py() > MAX_CODES:
            return TargetCells(typed.values, typed.odd, typed.infinite, typed.note)
    kept = pc.value_counts(given.filter(pc.is_in(given, value_set=pa.array(MISSING, type=given.type)))).to_pylist()
    shown = ", ".join(f"{item['values']!r} ({item['counts']:,} x)" for item in sorted(kept, key=lambda item: item["values"]))
    note = f"{shown} in the target column was kept as a class name, not read as missing" if kept else ""
    return TargetCells(as_plain_text(given), none, none, note)
