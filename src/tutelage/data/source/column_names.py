"""The first row of a text table: names for its columns, and what can be wrong with them."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.core.errors import DataProblem
from tutelage.data.source.dates import find_form
from tutelage.data.source.raw_table import RawTable
from tutelage.data.source.text_encoding import UNREADABLE

__all__ = ["name_columns"]

INDEX = "time"
"""What a nameless first column of dates is called: so an index without a name is written."""


def name_columns(raw: RawTable, names: Sequence[str]) -> tuple[list[DataProblem], list[str]]:
    """Give columns their names; find names that are missing or stand twice."""
    problems: list[DataProblem] = []
    notes: list[str] = []
    file = raw.file
    given, names = list(names), [UNREADABLE.sub("\ufffd", name) for name in names]
    kept: dict[str, str] = {}
    for index, (name, old) in enumerate(zip(names, raw.names, strict=True)):
        if not name and (reason := _why_droppable(raw.columns.get(old), is_first=index == 0)):
            notes.append(f"{file}: column {index + 1} has no name and {reason}: left out")
            continue
        if not name and index == 0 and INDEX not in names and _holds_dates(raw.columns.get(old)):
            name = given[index] = INDEX
            notes.append(f"{file}: column 1 has no name and holds dates: called {INDEX!r}")
        if not name:
            problems.append(DataProblem(f"{file} row 1", f"column {index + 1} has no name", "Name it, or remove it."))
        elif name in kept:
            problems.append(DataProblem(f"{file} row 1", f"two columns are called {name!r}", "Rename one of them."))
        elif name != given[index]:
            problems.append(
                DataProblem(f"{file} row 1", f"the name of column {index + 1} holds bytes that are no text", "Mend it.")
            )
        kept[name if name and name not in kept else f"column {index + 1}"] = old
    raw.columns.choose(kept)
    return problems, notes


def _why_droppable(column: pa.ChunkedArray, *, is_first: bool) -> str:
    """Say why a nameless column is of no use: it is empty, or it only counts the rows; else return ""."""
    if all(pc.all(pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(chunk)), 0)).as_py() is not False for chunk in column.chunks):
        return "is empty"
    if is_first and any(_counts_up(column, first) for first in (0, 1)):
        return "only counts the rows"
    return ""


def _holds_dates(column: pa.ChunkedArray) -> bool:
    """Tell whether all cells are dates."""
    return find_form(pc.utf8_trim_whitespace(column), min_fraction=1.0) is not None


def _counts_up(column: pa.ChunkedArray, first: int) -> bool:
    """Tell whether the cells are whole numbers that rise by one."""
    for chunk in column.chunks:
        expected = pa.array(np.arange(first, first + len(chunk))).cast(chunk.type)
        if not chunk.equals(expected):
            return False
        first += len(chunk)
    return True
