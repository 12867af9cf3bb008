"""Rows that follow each other in time: a random split shows the model what came after the rows that it is judged on.

Seen from a column with dates, or with numbers that is called time, along which the rows are sorted, or whose values are evenly
spaced, one a row. Costs a pass over these columns.
"""

import re
from typing import Literal

import numpy as np
import pyarrow as pa

from tutelage.core.setting import write_setting
from tutelage.data.part.base import RowsPart
from tutelage.data.quality.base import Check
from tutelage.data.quality.finding import Finding, Severity
from tutelage.data.source.base import Collected

__all__ = ["RowsInTime"]

MIN_ROWS, MIN_TIMES = 20, 10
SORTED = 0.9
"""Share of rows that are not before the row above them; of rows in random order it is a half."""
EVEN = 1.3
"""How much longer than a short step between two times a long one may be, where the times are those of a series: months differ."""
CLOCK_NAME = re.compile(r"^(time|times|timestamp|datetime|date|epoch|unix[_ ]?time|ts|t)$", re.IGNORECASE)
"""Names of numbers that say when."""
CALENDAR_NAME = re.compile(r"^(year|month|week|day|hour|minute|second|step|tick)s?$", re.IGNORECASE)
"""Names of numbers that say when, if each row has its own: else they are features, such as the month of a sale."""


class RowsInTime(Check):
    """Rows that are sorted by time, or are a series."""

    kind: Literal["rows_in_time"] = "rows_in_time"

    def look(self, collected: Collected) -> list[Finding]:
        """Look at the columns of the train part that hold times; the first one along which rows stand is told."""
        part = collected.train
        if not isinstance(part, RowsPart) or len(part) < MIN_ROWS or collected.split.by == "time":
            return []
        for name in part.columns:
            cells = part.column(name)
            how = "" if name == part.target or cells is None else _follow(name, cells)
            if how and cells is not None:
                first, last = cells.drop_null()[0].as_py(), cells.drop_null()[-1].as_py()
                judged = "validation rows" if collected.test is not None else "validation and test rows"
                found = f"{how} ({first!s} ... {last!s}): a random split shows the model what came after the {judged}"
                said = f"{write_setting('split', 'by', value='time')} {write_setting('split', 'column', value=name)}"
                severity: Severity = "warning" if collected.split.by == "auto" else "note"
                where = f"{part.name}, column {name}"
                remedy = f"To judge on the newest rows: {said}."
                if pa.types.is_timestamp(cells.type):
                    remedy = f"To forecast what comes next of a table, say --task forecast --horizon N. {remedy}"
                return [Finding(self.kind, where, found, remedy, len(part), (), severity, True)]
        return []


def _follow(name: str, cells: pa.ChunkedArray) -> str:
    """Say how the rows follow a column's times, or ""."""
    is_date = pa.types.is_date(cells.type) or pa.types.is_timestamp(cells.type)
    is_number = pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type)
    is_calendar = is_number and bool(CALENDAR_NAME.match(name))
    if not (is_date or is_calendar or (is_number and CLOCK_NAME.match(name))):
        return ""
    known = cells.drop_null()
    if is_date:
        known = known.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    times = known.to_numpy().astype(np.float64)
    times = times[np.isfinite(times)]
    # Scaled, so that no step overflows.
    times = times / max(1.0, float(np.abs(times).max(initial=0)))
    distinct = np.unique(times)
    if len(times) < MIN_ROWS or len(distinct) < MIN_TIMES:
        return ""
    one_each = len(distinct) >= SORTED * len(times)
    steps = np.diff(times)
    if max((steps >= 0).mean(), (steps <= 0).mean()) >= SORTED and (not is_calendar or one_each):
        return "the rows stand in its order"
    short, long = np.quantile(np.diff(distinct), [0.05, 0.95])
    if one_each and long <= EVEN * short:
        return "its times are evenly spaced, one a row, as those of a series are"
    return ""
