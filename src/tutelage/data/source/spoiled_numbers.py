"""Columns that would hold numbers, but for some cells: which these are; not a component."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.data.part.table import TablePart

__all__ = ["say_spoiled"]

NUMBER = r"^\s*[-+]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?\s*$"
WITH_SIGNS = re.compile(r"\s*[^\w\s]?\s*[-+]?[0-9][0-9.,' ]*\s*(%|[^\w\s]|[A-Za-z]{1,3})?\s*")
"""Numbers with a currency, a unit, or signs between thousands."""
MOSTLY = 0.5
"""Share of the cells that are numbers, or would be without such signs, from which on a column is meant to hold numbers."""
MOST_PROBED = 1_000
MAX_SHOWN = 40


def say_spoiled(part: TablePart, name: str) -> str:
    """Name a column of text that seems to be meant to hold numbers, with its first cell that is none; "" for any other."""
    kind = part.types[name]
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return ""
    cells = part.column(name)
    is_odd_N = pc.fill_null(pc.invert(pc.match_substring_regex(cells, NUMBER)), False).to_numpy()
    odd_N = np.flatnonzero(is_odd_N)
    present = len(cells) - cells.null_count
    if not len(odd_N):
        return ""
    probed = odd_N[np.unique(np.linspace(0, len(odd_N) - 1, MOST_PROBED).astype(np.int64))].tolist()
    share = np.mean([bool(WITH_SIGNS.fullmatch(str(cells[row].as_py()))) for row in probed])
    if present - (1 - share) * len(odd_N) < MOSTLY * present:
        return ""
    first = int(odd_N[0])
    many = f"{len(odd_N):,} of {present:,} cells are no plain numbers"
    return f"column {name}, where {many}, such as {str(cells[first].as_py())[:MAX_SHOWN]!r} in {part.locate(first)}"
