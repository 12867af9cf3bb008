"""Columns in which every row has the same value, or none: nothing can be learned from them.

Costs a pass over each column, which ends early where the first rows differ.
"""

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from tutelage.data.part.base import RowsPart
from tutelage.data.prepare.cells import plain
from tutelage.data.quality.base import Check
from tutelage.data.quality.finding import MAX_EXAMPLES, Finding
from tutelage.data.source.base import Collected

__all__ = ["ConstantColumn"]

FIRST_ROWS = 1_000
"""Rows that are looked at before a whole column is."""


class ConstantColumn(Check):
    """Columns that say the same of every row; a note, since the preprocessing leaves them out by itself."""

    kind: Literal["constant_column"] = "constant_column"

    def look(self, collected: Collected) -> list[Finding]:
        """Look at the columns of the train part."""
        part = collected.train
        if not isinstance(part, RowsPart) or len(part) < 2:
            return []
        named = {name: part.column(name) for name in part.columns if name != part.target}
        found = [name for name, cells in named.items() if cells is not None and _is_constant(cells)]
        if not found:
            return []
        several = len(found) > 1
        where = f"{part.name}, column{'s' * several} {', '.join(found[:MAX_EXAMPLES])}{', ...' * (len(found) > MAX_EXAMPLES)}"
        said = f"{'these ' + format(len(found), ',') + ' columns have' if several else 'it has'} one value in all rows, or none"
        return [Finding(self.kind, where, said, "Is the file whole? They are not used.", None, (), "note")]


def _is_constant(cells: pa.ChunkedArray) -> bool:
    """Tell whether a column holds one value everywhere, or none anywhere."""
    if pa.types.is_nested(cells.type):
        return False
    if cells.null_count:
        return bool(cells.null_count == len(cells))
    return all(int(pc.count_distinct(plain(some)).as_py()) < 2 for some in (cells.slice(0, FIRST_ROWS), cells))
