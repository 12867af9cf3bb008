"""Columns whose dates are written in several ways: the first row of each, so that they can be mended; not a component."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.core.errors import DataProblem
from tutelage.data.part.table import TablePart
from tutelage.data.source.dates import read_dates, ways_of

__all__ = ["find_mixed_dates"]

MOST_WAYS = 6
MOSTLY = 0.5
"""Share of the cells that are dates, from which on a column is meant to hold dates."""
MAX_SHOWN = 40
REMEDY = "Write all of them in one way, such as 2020-12-31 18:00."


@dataclass(frozen=True)
class Way:
    """A way of writing dates in a column.

    Attributes:
        form: As in `dates.py`; "" for what is no date.
        count: How many cells are written so.
        row: The first one.
    """

    form: str
    count: int
    row: int


def find_mixed_dates(part: TablePart, names: Sequence[str]) -> DataProblem | None:
    """Return what is wrong with the first of some columns whose dates are written in several ways; None if there is none."""
    for name in names:
        if not (pa.types.is_string(part.types[name]) or pa.types.is_large_string(part.types[name])):
            continue
        cells = pc.utf8_trim_whitespace(part.column(name).combine_chunks())
        ways = _ways(cells)
        present = len(cells) - cells.null_count
        if sum(way.count for way in ways if way.form) < MOSTLY * max(1, present):
            continue
        told = [_say(part, cells, way) for way in ways]
        found = f"dates that are not all written in one way: {'; '.join(told)}"
        return DataProblem(f"{part.file}, column {name}", found, REMEDY)
    return None


def _ways(cells: pa.Array) -> list[Way]:
    """Return the ways in which cells are written, that of the first cell first, and at the end what is no date."""
    row_N = np.flatnonzero(pc.is_valid(cells).to_numpy(zero_copy_only=False))
    found: list[Way] = []
    odd: list[int] = []
    while len(row_N) and len(found) < MOST_WAYS and len(odd) < MOST_WAYS:
        left = pa.chunked_array([cells.take(pa.array(row_N))])
        read = {form: _is_read(left, form) for form in ways_of(left[0].as_py())}
        if not read:
            odd.append(int(row_N[0]))
            row_N = row_N[1:]
            continue
        form = max(read, key=lambda one: int(read[one].sum()))
        found.append(Way(form, int(read[form].sum()), int(row_N[0])))
        row_N = row_N[~read[form]]
    rest = len(odd) + len(row_N)
    return [*found, *([Way("", rest, min([*odd, *row_N[:1].tolist()]))] if rest else [])]


def _is_read(cells: pa.ChunkedArray, form: str) -> np.ndarray:
    """Return which cells can be read in a way, bool [N]."""
    return np.asarray(pc.is_valid(read_dates(cells, form)).to_numpy())


def _say(part: TablePart, cells: pa.Array, way: Way) -> str:
    """Write one way by its first cell, where that stands, and how many there are."""
    cell = repr(cells[way.row].as_py()[:MAX_SHOWN])
    many = f"{way.count:,} like" if way.form else f"{way.count:,} that are no dates that can be read, such as"
    return f"{many} {cell} (first in {part.locate(way.row)})"
