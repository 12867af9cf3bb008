"""A role that the user gave a column, compared with what stands in its cells; not a component."""

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.core.errors import DataProblem
from tutelage.core.setting import write_setting
from tutelage.data.part.table import TablePart
from tutelage.data.prepare.cells import Cells, read_booleans, read_dates, read_numbers, read_words

__all__ = ["forced_misfit"]

READERS: Mapping[str, Callable[[pa.ChunkedArray], Cells]] = {
    "number": read_numbers,
    "date": read_dates,
    "boolean": read_booleans,
}
MAX_ODD_FRACTION = 0.1
"""Share of cells that may be something else; a few words among numbers then count as missing, and are named as such."""
NUM_EXAMPLES = 3


def forced_misfit(part: TablePart, name: str, role: str) -> DataProblem | None:
    """Return what is wrong where a column does not hold what it is said to hold; None where it does, or is not there.

    Args:
        part: Train rows.
        name: Of the column.
        role: What the user says that it is.
    """
    if role not in READERS or name not in part.columns or name == part.target:
        return None
    cells = part.column(name)
    where, present = f"{part.file}, column {name}", len(cells) - cells.null_count
    if not present:
        found = f"no value in any row, though it is said to be a {role}"
        return DataProblem(where, found, f"Leave it out: {write_setting('columns', name, value='dropped')}.")
    is_odd = READERS[role](cells).unreadable
    num_odd = int(is_odd.sum())
    if num_odd <= MAX_ODD_FRACTION * present:
        return None
    rows = np.flatnonzero(is_odd)
    examples = pc.unique(read_words(cells.take(pa.array(rows[:1000])))).to_pylist()[:NUM_EXAMPLES]
    shown = f"such as {', '.join(map(repr, examples))} (first in row {part.lines[rows[0]]})"
    found = f"{num_odd:,} of {present:,} cells are no {role}, as which it was to be read, {shown}"
    other = write_setting("columns", name, value="category")
    return DataProblem(where, found, f"Mend them, or give it another role: {other}.")
