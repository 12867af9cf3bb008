"""A column that numbers the rows, or whose name and values say that it is an id.

What it tells of a row holds for no other one. Costs a pass over the columns of whole numbers.
"""

from typing import Literal

from tutelage.core.setting import write_setting
from tutelage.data.part.base import RowsPart
from tutelage.data.quality.base import Check
from tutelage.data.quality.finding import MAX_EXAMPLES, Finding
from tutelage.data.quality.row_numbers import number_columns
from tutelage.data.source.base import Collected

__all__ = ["RunningNumber"]


class RunningNumber(Check):
    """An id among the features; a note, since the preprocessing leaves ids of whole numbers out by itself."""

    kind: Literal["running_number"] = "running_number"

    def look(self, collected: Collected) -> list[Finding]:
        """Look at the columns of the train part."""
        part = collected.train
        names = sorted(number_columns(part))
        if not names or not isinstance(part, RowsPart):
            return []
        found = "numbers the rows, so it tells nothing that holds for others" if len(names) == 1 else "number the rows"
        where = f"{part.name}, column{'s' * (len(names) > 1)} {', '.join(names[:MAX_EXAMPLES])}"
        remedy = f"If it is among the features: {write_setting('columns', names[0], value='dropped')}."
        return [Finding(self.kind, where, found, remedy, None, (), "note")]
