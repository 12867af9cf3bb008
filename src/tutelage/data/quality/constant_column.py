"""Columns in which every row has the same value, or none: nothing can be learned from them.

Costs a pass over each column, which ends early where the first rows differ.
"""

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from tutelage.data.part.base import RowsPart
from tutelage.data.prepare.cells import plain
from tutelage.data.quality.base import Check
from tutelage.data.quality.finding import MAX_EXAMPLES, Finding, Severity
from tutelage.data.source.base import Collected

__all__ = ["ConstantColumn"]

FIRST_ROWS = 1_000
"""Rows that are looked at before a whole column is."""


class ConstantColumn(Check):
    """Columns that say the same of every row, a note; columns without any value, a warning: the preprocessing leaves both out."""

    kind: Literal["constant_column"] = "constant_column"

    def look(self, collected: Collected) -> list[Finding]:
        """Look at the columns of the train part."""
        part = collected.train
        if not isinstance(part, RowsPart) or len(part) < 2:
            return []
        empty, same = [], []
        for name in part.columns:
            cells = None if name == part.target else part.column(name)
            if cells is not None and cells.null_count == len(cells):
                empty.append(name)
            elif cells is not None and _is_constant(cells):
                same.append(name)
        found = []
        if empty:
            said = f"{_these(empty)} no value in any row"
            found.append(self._finding(part.name, empty, said, "Not used. Is the file whole?", "warning"))
        if same:
            found.append(
                self._finding(part.name, same, f"{_these(same)} one value in all rows", "Is the file whole? Not used.", "note")
            )
        return found

    def _finding(self, part: str, names: list[str], found: str, remedy: str, severity: Severity) -> Finding:
        where = f"{part}, column{'s' * (len(names) > 1)} {', '.join(names[:MAX_EXAMPLES])}{', ...' * (len(names) > MAX_EXAMPLES)}"
        return Finding(self.kind, where, found, remedy, None, (), severity)


def _these(names: list[str]) -> str:
    return f"these {len(names):,} columns have" if len(names) > 1 else "it has"


def _is_constant(cells: pa.ChunkedArray) -> bool:
    """Tell whether a column holds one value everywhere."""
    if pa.types.is_nested(cells.type) or cells.null_count:
        return False
    return all(int(pc.count_distinct(plain(some)).as_py()) < 2 for some in (cells.slice(0, FIRST_ROWS), cells))
