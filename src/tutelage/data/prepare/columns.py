"""What each column of a table is taken for, and why: number, category, date, boolean, dropped or target.

The rules look at the train rows only. `f"{column.role}: {column.reason}"` reads as a sentence. Not a component.
"""

import re
from collections.abc import Mapping
from typing import get_args

import pyarrow as pa
import pyarrow.compute as pc

from tutelage.core.catalog import suggest
from tutelage.core.errors import RecipeError
from tutelage.data.part.table import TablePart
from tutelage.data.prepare.cells import count_distinct, plain, read_numbers
from tutelage.data.prepare.column import Column, Role

__all__ = ["infer_columns", "is_text"]

ROLES = tuple(role for role in get_args(Role) if role != "target")
MANY_DISTINCT = 0.5
"""Share of rows with a value of their own above which words are names, not categories."""
MIN_TEXTS = 20
"""Fewer distinct values than this are always categories."""
MAX_TEXT_LENGTH = 80
"""Characters; longer ones (reviews, articles) say little by single words."""
MOSTLY_NUMBERS = 0.9
"""Share of cells that must read as numbers for the few words among them to count as missing."""
MIN_ID_ROWS = 20
"""In fewer rows, integers that all differ say nothing about being an id."""
ID_NAME = re.compile(r"^(id|ids|uuid|guid|index|row|rownames?|[Uu]nnamed: ?0|)$|[_\s.-](id|uuid|guid)$|[a-z](Id|ID)$", re.ASCII)


def infer_columns(part: TablePart, overrides: Mapping[str, str]) -> tuple[Column, ...]:
    """Give each column a role with its reason, in table order.

    Args:
        part: Train rows.
        overrides: Role by column name, for columns that the user knows better.

    Raises:
        RecipeError: An override names an unknown column or role.

    Example:
        >>> import numpy as np
        >>> table = pa.table({"age": [31, 40, 25], "city": ["Rome", "Oslo", "Rome"], "one": [1, 1, 1]})
        >>> part = TablePart("train", table, "people.csv", np.arange(2, 5), "", "")
        >>> for column in infer_columns(part, {}):
        ...     print(f"{column.name}: {column.role}: {column.reason}")
        age: number: whole numbers, 3 distinct
        city: category: 2 distinct words
        one: dropped: the same value everywhere: '1'
    """
    _check(part, overrides)
    columns = []
    for name in part.columns:
        if name == part.target:
            columns.append(Column(name, "target", "what is to be predicted"))
        elif name in overrides:
            role = _role(overrides[name])
            odd = _say_odd(part.column(name)) if role == "number" else ""
            columns.append(Column(name, role, f"as you said{odd}"))
        else:
            columns.append(Column(name, *_infer(part, name)))
    return tuple(columns)


def is_text(column: pa.ChunkedArray) -> bool:
    """Tell whether a column holds short texts that nearly all differ (names, tickets), so that only its words can help."""
    column = plain(column)
    if not _is_string(column.type):
        return False
    distinct, present = count_distinct(column), len(column) - column.null_count
    return bool(distinct >= MIN_TEXTS and distinct > MANY_DISTINCT * present)


def _infer(part: TablePart, name: str) -> tuple[Role, str]:
    """Return role and reason of one column."""
    column = plain(part.column(name))
    present = len(column) - column.null_count
    if not present:
        return "dropped", "no value in any row"
    kind = column.type
    is_date, is_number = pa.types.is_date(kind) or pa.types.is_timestamp(kind), _is_number(kind)
    if not (is_date or is_number or pa.types.is_boolean(kind) or _is_string(kind)):
        return "dropped", f"cells of type {kind} cannot be used yet"
    distinct = count_distinct(column)
    missing = f", {100 * column.null_count / len(column):.3g} % missing" if column.null_count else ""
    if distinct == 1:
        value = repr(str(pc.drop_null(column)[0].as_py()))
        return (
            ("category", f"one value or none: {value}{missing}")
            if missing
            else ("dropped", f"the same value everywhere: {value}")
        )
    if pa.types.is_boolean(kind):
        return "boolean", f"yes or no{missing}"
    if is_date:
        return "date", f"{distinct:,} distinct{missing}"
    if is_number:
        return _infer_number(part, name, column, distinct, missing)
    return _infer_words(name, column, distinct, missing)


def _infer_number(part: TablePart, name: str, column: pa.ChunkedArray, distinct: int, missing: str) -> tuple[Role, str]:
    """Tell numbers from ids and from 0/1 flags."""
    if not pa.types.is_integer(column.type):
        return "number", f"{distinct:,} distinct{missing}"
    if distinct == len(column) >= MIN_ID_ROWS and (ID_NAME.search(name) or _counts_rows(part, column)):
        return "dropped", f"an id, all {distinct:,} values differ"
    if distinct == 2 and pc.min(column).as_py() == 0 and pc.max(column).as_py() == 1:
        return "boolean", f"0 or 1{missing}"
    return "number", f"whole numbers, {distinct:,} distinct{missing}"


def _infer_words(name: str, column: pa.ChunkedArray, distinct: int, missing: str) -> tuple[Role, str]:
    """Tell categories from numbers written as text, ids, names and free text."""
    present = len(column) - column.null_count
    cells = read_numbers(column)
    if cells.unreadable.sum() < (1 - MOSTLY_NUMBERS) * present:
        return "number", f"{distinct:,} distinct{missing}{_say_odd(column)}"
    if not is_text(column):
        return "category", f"{distinct:,} distinct words{missing}"
    length = pc.mean(pc.utf8_length(column)).as_py()
    if length > MAX_TEXT_LENGTH:
        return "dropped", f"free text, {length:,.0f} characters on average: --text {name} learns from it"
    if ID_NAME.search(name):
        return "dropped", f"an id, {distinct:,} of {present:,} values differ"
    return "category", f"{distinct:,} of {present:,} texts differ, so single words in them count{missing}"


def _say_odd(column: pa.ChunkedArray) -> str:
    """Say which words of a column of numbers count as missing, and how many cells they are."""
    is_odd = read_numbers(column).unreadable
    num_odd = int(is_odd.sum())
    if not num_odd:
        return ""
    words = sorted(set(pc.filter(column, pa.array(is_odd)).cast(pa.string()).to_pylist()))
    shown = ", ".join(map(repr, words[:3])) + (", ..." if len(words) > 3 else "")
    return f"; counted as missing: {shown} ({num_odd:,} cell{'s' * (num_odd != 1)})"


def _counts_rows(part: TablePart, column: pa.ChunkedArray) -> bool:
    """Tell whether integers rise or fall strictly with the row number, as running numbers do."""
    values = column.to_numpy()[part.lines.argsort()]
    rises = values[1:] > values[:-1]
    return bool(rises.all() or not rises.any())  # all values differ


def _check(part: TablePart, overrides: Mapping[str, str]) -> None:
    """Refuse overrides of unknown columns or roles, all at once."""
    known = part.columns
    lines = []
    for name, role in overrides.items():
        if name == part.target:
            lines.append(f"columns.{name} = {role!r}: it is the target. What that is read as, --task says.")
        elif name not in known:
            lines.append(f"columns.{name}: no such column{suggest(name, known)} Columns: {', '.join(known)}.")
        elif role not in ROLES:
            lines.append(f"columns.{name} = {role!r}: unknown role{suggest(role, ROLES)} Roles: {', '.join(ROLES)}.")
    if lines:
        raise RecipeError("\n".join(lines))


def _role(word: str) -> Role:
    """Return a checked word as a role."""
    roles: dict[str, Role] = {role: role for role in get_args(Role)}
    return roles[word]


def _is_string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
