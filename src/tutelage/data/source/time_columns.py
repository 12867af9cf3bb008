"""Which columns of a table hold times, series, names of series, and what is known beforehand; not a component."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.core.catalog import suggest
from tutelage.core.errors import DataError, DataProblem
from tutelage.data.part.table import TablePart
from tutelage.data.prepare.columns import ID_NAME
from tutelage.data.source.compact_times import compact_times, epoch_unit
from tutelage.data.source.mixed_dates import find_mixed_dates
from tutelage.data.source.split_times import lone_year, say_join, split_years
from tutelage.data.source.spoiled_numbers import say_spoiled

__all__ = ["TimeColumns", "TimeLayout", "choose_columns", "likely_series", "numbers_of", "times_of"]

MOST_NAMED = 6
LEAST_OF_SERIES = 3
"""Rows of a series, on average, where a column is taken for one that names series."""
LEAST_REGULAR = 0.5
"""Share of the steps within series that are about as long as the usual one."""
DATE_NAMES = ("date", "time", "datetime", "timestamp", "ds")
"""Names by which one column of dates among several is the time of a row."""
EPOCH_NAMES = (*DATE_NAMES, "epoch", "unix", "unixtime", "unix_time", "ts")
KNOWN_TOO = "is named as known beforehand too (--known)"
LEAST_COUNTED = 10
"""Rows below which numbers that rise evenly say nothing about being a count."""


@dataclass(frozen=True)
class TimeLayout:
    """What the user says of a table's columns; "" and () where it is to be found out.

    Attributes:
        time_column: The column of times.
        series_id: The column that names the series a row belongs to.
        targets: The series that are forecast.
        known: Columns whose values are known of coming times too.
        by_series: Those of them whose values are those of one series each in any case.
    """

    time_column: str = ""
    series_id: str = ""
    targets: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    by_series: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, *, time_column: str = "", series_id: str = "", target: str = "auto", known: str | Sequence[str] = ()
    ) -> "TimeLayout":
        """Read columns as they are typed: several are divided by commas."""
        return cls(time_column, series_id, split_names("" if target == "auto" else target), split_names(known))


@dataclass(frozen=True)
class TimeColumns:
    """The columns of one table.

    Attributes:
        time: The column of times.
        series_id: The column that names the series, or "".
        values: The columns of measured values.
        known: Those known beforehand.
        unused: Columns of numbers that are not forecast, since others were named as the target.
        left_out: Columns that hold no numbers.
        dates: Other columns of dates.
        counting: Columns that only number the rows.
        flags: Series of only 0 and 1 that nobody named.
        spoiled: What is told of columns that hold numbers and words.
        by_series: Columns known beforehand of each series by itself, in any case.
    """

    time: str
    series_id: str
    values: tuple[str, ...]
    known: tuple[str, ...]
    unused: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    counting: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    spoiled: tuple[str, ...] = ()
    by_series: tuple[str, ...] = ()

    def notes(self) -> list[str]:
        """Return what is worth telling."""
        told = []
        if self.unused:
            remedy = "what is known of coming times too may help: --known COLUMN"
            told.append(f"not used, since they are not the target: {_shown(self.unused)}; {remedy}")
        if self.dates:
            told.append(
                f"{self.time} is the time; not used, since they are other dates: {_shown(self.dates)}; --time-column says which"
            )
        if self.left_out:
            told.append(f"not used, since they hold no numbers: {_shown(self.left_out)}")
        if self.counting:
            remedy = f"to forecast {self.counting[0]} too: --target {','.join((*self.values, *self.counting[:1]))}"
            told.append(f"not forecast, since they only number the rows: {_shown(self.counting)}; {remedy}")
        return told

    def warnings(self) -> list[str]:
        """Return what the user should look at."""
        told = []
        if self.spoiled:
            remedy = "where nothing was measured, leave the cell empty; write numbers like 1234.5"
            named = "; ".join(self.spoiled[:MOST_NAMED])
            told.append(f"not forecast, since not all cells are numbers: {named}. To forecast them, {remedy}")
        if not self.flags:
            return told
        said, others = ",".join(self.flags), ",".join(name for name in self.values if name not in self.flags)
        remedy = (
            f"what is known of coming times, such as holidays, is named: --known {said}; else --target {others} leaves it out"
        )
        flagged = f"forecast as a series, though only 0 and 1: {_shown(self.flags)}, which counts in every mean error"
        return [*told, f"{flagged}; {remedy}"]


def split_names(said: str | Sequence[str]) -> tuple[str, ...]:
    """Return names that are divided by commas."""
    names = said.split(",") if isinstance(said, str) else said
    return tuple(name.strip() for name in names if name.strip())


def choose_columns(part: TablePart, layout: TimeLayout) -> TimeColumns:
    """Find out what each column is.

    Raises:
        DataError: A named column is not there, there are no times, or several columns could hold them, or no numbers.
    """
    time = _time_column(part, layout)
    _require(part, (layout.series_id,) if layout.series_id else (), said="--series-id")
    _require(part, layout.known, said="--known")
    taken = {time, layout.series_id, *layout.known}
    numeric = [name for name in part.columns if name not in taken and is_number(part.types[name])]
    dates = tuple(name for name in part.columns if name not in taken and pa.types.is_timestamp(part.types[name]))
    others = tuple(name for name in part.columns if name not in {*taken, *dates} and not is_number(part.types[name]))
    for name in layout.known:
        if not is_number(part.types[name]):
            remedy = "Give numbers; of categories one column of 0 and 1 each."
            raise DataError([DataProblem(f"{part.file}, column {name}", "known beforehand, and holds no numbers", remedy)])
    targets = _rejoined(layout.targets, part.columns)
    if targets:
        _require(part, targets, said="--target")
        wrong = [name for name in targets if name not in numeric]
        if wrong and not any(part.column(name).null_count < len(part) for name in wrong):
            found = f"is to be forecast, and all its {len(part):,} cells are empty"
            remedy = "Give the rows before too, with the values that were measured: a forecast goes on from these."
            raise DataError([DataProblem(f"{part.file}, column {wrong[0]}", found, remedy)])
        if wrong:
            other = {time: "is the time", layout.series_id: "names the series", **dict.fromkeys(layout.known, KNOWN_TOO)}
            found = f"is to be forecast, and {other.get(wrong[0], 'holds no numbers')}"
            remedy = f"{'Name it once. ' * (wrong[0] in taken)}Columns of numbers: {_shown(numeric) or 'none'}."
            raise DataError([DataProblem(f"{part.file}, column {wrong[0]}", found, remedy)])
    counting = () if targets else tuple(name for name in numeric if _numbers_rows(part, name, series_id=layout.series_id))
    if not any(_changes(part, name) for name in numeric if name not in counting):
        counting = ()
    values = targets or tuple(name for name in numeric if name not in counting)
    spoiled = [said for name in others if (said := say_spoiled(part, name))]
    if not values:
        beside = f" and what is known beforehand ({_shown(layout.known)})" if layout.known else ""
        found = "; ".join([f"no column of numbers beside the times ({time}){beside}", *spoiled[:MOST_NAMED]])
        remedy = "A series is made of numbers: give a column of measured values, written like 1234.5, and empty where none is."
        raise DataError([DataProblem(part.file, found, remedy)])
    unused = tuple(name for name in numeric if name not in values) if targets else ()
    flags = () if targets else tuple(name for name in values if _is_flag(part, name))
    flags = () if len(flags) == len(values) else flags
    return TimeColumns(
        time, layout.series_id, values, layout.known, unused, others, dates, counting, flags, () if targets else tuple(spoiled)
    )


def times_of(part: TablePart, column: str) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return the times of a column, int64 [N], which of them are missing, bool [N], and whether they are plain numbers."""
    cells = part.column(column)
    missing_N = pc.is_null(cells).to_numpy(zero_copy_only=False)
    if pa.types.is_timestamp(cells.type):
        filled = pc.fill_null(cells.cast(pa.int64()), 0)
        return filled.to_numpy().astype(np.int64), missing_N, False
    number_N = pc.fill_null(cells.cast(pa.float64()), 0.0).to_numpy()
    compact_N = compact_times(cells)
    if compact_N is not None:
        return compact_N, missing_N, False
    if unit := epoch_unit(cells):
        return np.round(number_N * (1e6 / unit)).astype(np.int64), missing_N, False
    if not np.array_equal(number_N, np.round(number_N)) or np.abs(number_N).max(initial=0) > 2**53:
        remedy = "Write times as dates, such as 2020-12-31 18:00, or count them 0, 1, 2 ..."
        raise DataError([DataProblem(f"{part.file}, column {column}", "times that are neither dates nor whole numbers", remedy)])
    return number_N.astype(np.int64), missing_N, True


def numbers_of(part: TablePart, columns: Sequence[str]) -> np.ndarray:
    """Return columns as float64 [N, C]; NaN where a cell is empty."""
    cells = [pc.fill_null(part.column(name).cast(pa.float64()), float("nan")).to_numpy() for name in columns]
    return np.column_stack(cells).astype(np.float64) if cells else np.empty((len(part), 0))


def likely_series(part: TablePart, columns: TimeColumns, *, row_N: np.ndarray, time_N: np.ndarray) -> list[str]:
    """Return the columns that may name the series of a row, those of words first: each has a regular series of its own.

    Args:
        part: The table.
        columns: What its columns are, as far as that is known.
        row_N: Numbers of its rows, [N].
        time_N: Their times, [N].
    """
    found = []
    for name in part.columns:
        kind = part.types[name]
        if name in (columns.time, *columns.known) or pa.types.is_timestamp(kind) or pa.types.is_floating(kind):
            continue
        coded = pc.dictionary_encode(part.column(name).combine_chunks().take(pa.array(row_N)))
        if not 2 <= len(coded.dictionary) <= len(row_N) / LEAST_OF_SERIES or coded.null_count:
            continue
        code_N = coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        order = np.lexsort((time_N, code_N))
        is_same = np.diff(code_N[order]) == 0
        step_N = np.diff(time_N[order])[is_same]
        if len(step_N) and step_N.min() > 0 and _are_regular(step_N, time_N):
            found.append(name)
    return sorted(found, key=lambda name: is_number(part.types[name]))


def _are_regular(step_N: np.ndarray, time_N: np.ndarray) -> bool:
    """Tell whether most steps within series are about the usual one between times: gaps are few in a series of its own."""
    usual = float(np.median(np.diff(np.unique(time_N))))
    return bool((np.abs(step_N - usual) <= usual / 2).mean() >= LEAST_REGULAR)


def is_number(kind: pa.DataType) -> bool:
    """Tell whether a column of this type holds numbers."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _numbers_rows(part: TablePart, name: str, *, series_id: str) -> bool:
    """Tell whether whole numbers grow or fall by the same in each row, of the table or of each series, or are called an id."""
    cells = part.column(name)
    if len(cells) < LEAST_COUNTED or cells.null_count or pa.types.is_boolean(cells.type):
        return False
    value_N = cells.to_numpy().astype(np.float64)
    if not np.isfinite(value_N).all() or (value_N != np.round(value_N)).any():
        return False
    steps = [np.diff(value_N)]
    if series_id:
        code_N = pc.dictionary_encode(part.column(series_id).combine_chunks()).indices.to_numpy(zero_copy_only=False)
        order = np.argsort(code_N, kind="stable")
        steps.append(np.diff(value_N[order])[np.diff(code_N[order]) == 0])
    return any(len(step_N) and _counts(step_N, is_id=bool(ID_NAME.search(name))) for step_N in steps)


def _counts(step_N: np.ndarray, *, is_id: bool) -> bool:
    """Tell whether what lies between numbers is that of a count; an id may leave some out."""
    is_even = bool((step_N == step_N[0]).all() and step_N[0] != 0)
    return is_even or (is_id and bool((step_N > 0).all() or (step_N < 0).all()))


def _changes(part: TablePart, name: str) -> bool:
    """Tell whether a column holds two values or more."""
    return len(pc.unique(part.column(name).combine_chunks()).drop_null()) > 1


def _is_flag(part: TablePart, name: str) -> bool:
    """Tell whether a column holds 0 and 1, and nothing else."""
    found = pc.unique(part.column(name).combine_chunks()).drop_null()
    return len(found) == 2 and sorted(map(float, found.to_pylist())) == [0.0, 1.0]


def _time_column(part: TablePart, layout: TimeLayout) -> str:
    """Return the column of times."""
    if layout.time_column:
        _require(part, (layout.time_column,), said="--time-column")
        kind = part.types[layout.time_column]
        if not pa.types.is_timestamp(kind) and not (is_number(kind) and not pa.types.is_boolean(kind)):
            if mixed := find_mixed_dates(part, (layout.time_column,)):
                raise DataError([mixed])
            cells = part.column(layout.time_column).drop_null()
            example = f", such as {str(cells[0].as_py())[:40]!r}" if len(cells) else ""
            remedy = "Write all of them in one way, such as 2020-12-31 18:00."
            raise DataError(
                [DataProblem(f"{part.file}, column {layout.time_column}", f"cells that are no dates{example}", remedy)]
            )
        return layout.time_column
    dated = [name for name in part.columns if pa.types.is_timestamp(part.types[name]) and name not in layout.known]
    if len(dated) > 1:
        named = [name for name in dated if name.casefold() in DATE_NAMES]
        dated = named if len(named) == 1 else dated
    if not dated:
        clocks = [name for name in part.columns if name.casefold() in EPOCH_NAMES and name not in layout.known]
        dated = [name for name in clocks if epoch_unit(part.column(name)) or compact_times(part.column(name)) is not None]
    if not dated and (year := lone_year(part)) and year not in layout.known:
        dated = [year]
    if len(dated) == 1:
        return dated[0]
    if dated:
        found = f"{len(dated)} columns hold dates: {_shown(dated)}"
        raise DataError([DataProblem(part.file, found, "Say which one is the time of a row: --time-column COLUMN.")])
    taken = [name for name in layout.known if name in part.columns and pa.types.is_timestamp(part.types[name])]
    if taken:
        found = "named by --known, and the only column of dates: it is the time of a row"
        raise DataError(
            [DataProblem(f"{part.file}, column {taken[0]}", found, "Leave it out of --known: times are always known.")]
        )
    if mixed := find_mixed_dates(part, part.columns):
        raise DataError([mixed])
    found = f"no column of dates among {_shown(part.columns)}"
    if halves := split_years(part):
        raise DataError([DataProblem(part.file, found, say_join(part, *halves))])
    remedy = "Name the one that tells the time of a row: --time-column COLUMN. Dates are written like 2020-12-31 18:00; what "
    remedy += "stands in several columns, such as year and month, has to be joined into one."
    raise DataError([DataProblem(part.file, found, remedy)])


def _rejoined(names: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    """Put names together again that were parted at a comma within a column's own name."""
    made: list[str] = []
    left = list(names)
    while left:
        sizes = [size for size in range(len(left), 1, -1) for sign in (", ", ",") if sign.join(left[:size]) in columns]
        size = sizes[0] if sizes and left[0] not in columns else 1
        made.append(next((name for sign in (", ", ",") if (name := sign.join(left[:size])) in columns), left[0]))
        left = left[size:]
    return tuple(made)


def _require(part: TablePart, names: Sequence[str], *, said: str) -> None:
    """Refuse names of columns that are not there."""
    missing = [name for name in names if name not in part.columns]
    if missing:
        near = suggest(missing[0], list(part.columns)).rstrip(".")
        raise DataError(
            [DataProblem(part.file, f"there is no column {missing[0]!r} ({said}){near}", f"Columns: {_shown(part.columns)}.")]
        )


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else "")
