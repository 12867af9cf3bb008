"""Columns that are known of coming times too, on the grid of the series: of all alike, or of each by itself; not a component.

Shape letters: N rows, T times, K columns.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tutelage.core.errors import DataError, DataProblem

__all__ = ["Known", "KnownRows", "known_on_grid", "say_by_series"]

MOST_COLUMNS = 64
"""Columns of single series, in all: each is an input of the network at every time."""


@dataclass(frozen=True)
class KnownRows:
    """Rows of a table with what is known beforehand.

    Attributes:
        columns: K names.
        values: float64 [N, K]; NaN where a cell is empty.
        place: The time of each row on the grid, int64 [N].
        code: The series of each row, int64 [N].
        series: Names of the series; one where all rows are of the same.
        where: Says which row one is, for messages.
        file: The table, for messages.
    """

    columns: tuple[str, ...]
    values: np.ndarray
    place: np.ndarray
    code: np.ndarray
    series: Sequence[str]
    where: Callable[[int], str]
    file: str


@dataclass(frozen=True)
class Known:
    """What is known of each time.

    Attributes:
        values: float64 [T, K]: columns of all series first, then for each of `by_series` one a series.
        names: K names.
        by_series: Columns whose values are those of one series each.
    """

    values: np.ndarray
    names: tuple[str, ...]
    by_series: tuple[str, ...]


def known_on_grid(rows: KnownRows, *, by_series: Sequence[str], has_one_value: bool) -> Known:
    """Return what is known of each time; a column of which rows of one time say different things is one of each series.

    Args:
        rows: The rows.
        by_series: Columns that are of each series in any case.
        has_one_value: Whether a row has one measured value, so that series and their names are the same.

    Raises:
        DataError: Rows of one time differ, and are not of different series, or these are too many.
    """
    length = int(rows.place.max()) + 1
    apart, shared = [], []
    for k, name in enumerate(rows.columns):
        value_T = np.full(length, np.nan)
        said = np.flatnonzero(~np.isnan(rows.values[:, k]))
        value_T[rows.place[said]] = rows.values[said, k]
        other = said[value_T[rows.place[said]] != rows.values[said, k]]
        if name in by_series or len(other):
            _require_apart(rows, k, by_series=by_series, other=other, has_one_value=has_one_value)
            apart.append(k)
        else:
            shared.append((name, value_T))
    if len(apart) * len(rows.series) > MOST_COLUMNS:
        found = f"differs by series, and {len(apart) * len(rows.series):,} such columns, {len(rows.series):,} series of each, "
        remedy = "Train one run for each series, or for some of them, or leave the column out of --known."
        where = f"{rows.file}, column {rows.columns[apart[0]]}"
        raise DataError([DataProblem(where, f"{found}are more than the {MOST_COLUMNS} that are told a network", remedy)])
    own = [(f"{rows.columns[k]} {name}", _of(rows, k, code, length)) for k in apart for code, name in enumerate(rows.series)]
    each = [*shared, *own]
    values = np.column_stack([value_T for _, value_T in each]) if each else np.empty((length, 0))
    return Known(values, tuple(name for name, _ in each), tuple(rows.columns[k] for k in apart))


def say_by_series(columns: Sequence[str], file: str) -> list[str]:
    """Tell which columns known beforehand are of each series by itself."""
    if not columns:
        return []
    which = f"{', '.join(columns)} differ{'s' * (len(columns) == 1)} by series, so it is known of each series by itself"
    return [f"{file}: {which}: a forecast wants the coming rows of every series"]


def _require_apart(rows: KnownRows, k: int, *, by_series: Sequence[str], other: np.ndarray, has_one_value: bool) -> None:
    """Refuse a column that is to be of each series by itself, where there are no series, or each has several values.

    Raises:
        DataError: It is so.
    """
    if len(rows.series) > 1 and has_one_value:
        return
    where = f"{rows.file}, column {rows.columns[k]}"
    if rows.columns[k] in by_series and not len(other):
        found, remedy = "known of each series by itself in the training, and here is one series", "Give the rows of all series."
    elif len(rows.series) > 1:
        found = "differs by series, and each of these has several values that are forecast"
        remedy = "Name one of them: --target COLUMN, or leave the column out of --known."
    else:
        row, value = int(other[0]), rows.values[:, k]
        same = np.flatnonzero((rows.place == rows.place[row]) & ~np.isnan(value))
        found = f"{value[row]:g} at {rows.where(row)}, and {value[same[-1]]:g} at {rows.where(int(same[-1]))}"
        remedy = "Give one value for each time."
    raise DataError([DataProblem(where, found, remedy)])


def _of(rows: KnownRows, k: int, code: int, length: int) -> np.ndarray:
    """Return a column of one series, float64 [T]; before its first row its mean, since nothing is forecast there."""
    said = np.flatnonzero((rows.code == code) & ~np.isnan(rows.values[:, k]))
    value_T = np.full(length, np.nan)
    value_T[rows.place[said]] = rows.values[said, k]
    begun = np.flatnonzero(rows.code == code)
    if len(said):
        value_T[: int(rows.place[begun].min())] = rows.values[said, k].mean()
    return value_T
