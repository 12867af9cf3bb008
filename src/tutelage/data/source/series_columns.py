"""Series in a table: a row each, or many rows each with the name of the series and the time; not a component."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.core.errors import DataError, DataProblem
from tutelage.data.part.series import SeriesPart
from tutelage.data.part.table import TablePart
from tutelage.data.source.series_lines import RowProblem, SeriesRow, row_problem, series_part

__all__ = ["SeriesLayout", "as_series"]

MOST_NAMED = 6


@dataclass(frozen=True)
class SeriesLayout:
    """How a table holds series.

    Attributes:
        series_id: The column that names the series a row belongs to; "" where a row is a series.
        time_column: The column by which the rows of a series are put in order; "" where they are in order.
        wide: Whether a row is a series, its columns in order the values.
    """

    series_id: str = ""
    time_column: str = ""
    wide: bool = False

    def __bool__(self) -> bool:
        """Whether there are series."""
        return bool(self.series_id) or self.wide

    def reading(self) -> dict[str, Any]:
        """Return it as settings of the source."""
        return {key: value for key, value in vars(self).items() if value}


def as_series(part: TablePart, layout: SeriesLayout, *, needs_labels: bool = True) -> tuple[SeriesPart, list[DataProblem]]:
    """Return the series of a table, and what is wrong with others.

    Raises:
        DataError: A column is missing or holds no numbers, or there is no series.
    """
    named = [name for name in (layout.series_id, layout.time_column) if name]
    missing = [name for name in named if name not in part.columns]
    if missing:
        remedy = f"The columns are: {', '.join(part.columns)}."
        raise DataError([DataProblem(part.file, f"there is no column {missing[0]!r}", remedy)])
    columns = [name for name in part.columns if name not in (*named, part.target)]
    values_LC = _numbers(part, columns)
    found = _rows(part, values_LC) if layout.wide else _groups(part, layout, values_LC)
    rows: list[SeriesRow] = []
    problems: list[DataProblem] = []
    channels = 1 if layout.wide else len(columns)
    for item, row in enumerate(found):
        bad = row if isinstance(row, RowProblem) else row_problem(row, channels=channels, needs_labels=needs_labels)
        if bad is not None:
            problems.append(DataProblem(bad.where, bad.found, bad.remedy, item))
        elif isinstance(row, SeriesRow):
            rows.append(row)
    if not rows:
        raise DataError(problems or [DataProblem(part.file, "no series in it", "Give a table with rows.")])
    return series_part(part.name, rows, part.target, reading=layout.reading()), problems


def _numbers(part: TablePart, columns: Sequence[str]) -> np.ndarray:
    """Return columns as float64 [L, C]; NaN where a cell is empty."""
    bad = [name for name in columns if not _is_number(part.types[name])]
    if bad or not columns:
        found = f"columns that hold no numbers: {', '.join(bad[:MOST_NAMED])}" if bad else "no column of values"
        remedy = "A series is made of numbers: remove other columns, or name the one with the series' names (--series-id)."
        raise DataError([DataProblem(part.file, found, remedy)])
    cells = [pc.fill_null(part.column(name).cast(pa.float64()), float("nan")).to_numpy() for name in columns]
    return np.column_stack(cells).astype(np.float64)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _rows(part: TablePart, values_NT: np.ndarray) -> list[SeriesRow | RowProblem]:
    """Return each row as a series; what is missing at its end is the end of a shorter one."""
    found: list[SeriesRow | RowProblem] = []
    for row, values_T in enumerate(values_NT):
        known = np.flatnonzero(~np.isnan(values_T))
        whole_T = values_T[: known[-1] + 1] if len(known) else values_T
        label = None if part.labels is None else part.labels[row]
        found.append(SeriesRow(part.locate(row), whole_T[:, None], label))
    return found


def _groups(part: TablePart, layout: SeriesLayout, values_LC: np.ndarray) -> list[SeriesRow | RowProblem]:
    """Return the rows of each name as a series, in the order in which names first appear."""
    names = part.column(layout.series_id).combine_chunks().dictionary_encode()
    code_L = pc.fill_null(names.indices, -1).to_numpy(zero_copy_only=False)
    time_L = np.arange(len(code_L))
    if layout.time_column:
        times = part.column(layout.time_column)
        time_L = pc.rank(times, tiebreaker="dense").to_numpy(zero_copy_only=False).astype(np.int64)
        time_L[pc.is_null(times).to_numpy(zero_copy_only=False)] = -1
    found: list[SeriesRow | RowProblem] = []
    if (code_L < 0).any():
        row = int(np.flatnonzero(code_L < 0)[0])
        found.append(
            RowProblem(part.locate(row), f"column {layout.series_id} is empty", "Write which series the row belongs to.")
        )
    order_L = np.lexsort((time_L, code_L))
    order_L = order_L[code_L[order_L] >= 0]
    for rows in np.split(order_L, np.flatnonzero(np.diff(code_L[order_L])) + 1) if len(order_L) else []:
        where = f"{part.file} {layout.series_id} {names.dictionary[int(code_L[rows[0]])].as_py()}"
        found.append(_one(part, layout, where, rows, time_L[rows], values_LC[rows]))
    return found


def _one(
    part: TablePart, layout: SeriesLayout, where: str, rows: np.ndarray, times: np.ndarray, values_TC: np.ndarray
) -> SeriesRow | RowProblem:
    """Return the series of some rows, in order of time."""
    if times[0] < 0:
        return RowProblem(part.locate(int(rows[0])), f"column {layout.time_column} is empty", "Write the time of the row.")
    again = np.flatnonzero(np.diff(times) == 0)
    if len(again):
        first, second = (part.locate(int(row)) for row in rows[again[0] : again[0] + 2])
        found = f"the same {layout.time_column} twice, in {first} and {second}"
        return RowProblem(where, found, "Keep one row for each time of a series.")
    labels = [] if part.labels is None else [label for label in part.labels[rows].tolist() if label is not None]
    different = list(dict.fromkeys(labels))
    if len(different) > 1:
        found = f"{part.target} is {different[0]!r} in some of its rows and {different[1]!r} in others"
        return RowProblem(where, found, "Give all rows of a series the same.")
    return SeriesRow(where, values_TC, different[0] if different else None)
