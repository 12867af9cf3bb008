"""Rows of a table, each with its time, to series on one grid of equal steps; what does not fit is told; not a component."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow.compute as pc

from tutelage.core.errors import DataError, DataProblem
from tutelage.core.memory import memory_bytes
from tutelage.data.part.clock_change import AGAIN, REMEDY, are_clock_changes
from tutelage.data.part.interval import Interval, find_interval, is_few, say_time
from tutelage.data.part.stretch import LONGEST_STRETCH, MOST_MISSING, hash_values
from tutelage.data.part.table import TablePart
from tutelage.data.part.timeline import TimelinePart
from tutelage.data.source.compact_times import clock_column, compact_times, epoch_unit
from tutelage.data.source.known_columns import KnownRows, known_on_grid, say_by_series
from tutelage.data.source.split_times import say_join, second_half
from tutelage.data.source.time_columns import (
    TimeColumns,
    TimeLayout,
    choose_columns,
    likely_series,
    numbers_of,
    times_of,
)

__all__ = ["Gridded", "as_timeline"]

FAR_OFF = 0.3
"""Part of a step by which a time may be off the grid."""
LEAST_TIMES = 2
BYTES_EACH = 40
"""Memory that a value of a series takes until it is learned from: as it was read, on its scale, and as the network takes it."""
SEVERAL_SERIES = 0.1
"""Share of rows whose time was there before, with other values, from which on it is asked whether there are several series."""


@dataclass(frozen=True)
class TimedRows:
    """Rows of a table in order of series and time.

    Attributes:
        number: Their numbers in the table, [N].
        time: [N].
        series: Code of the series that each belongs to, [N].
        values: [N, V].
        known: [N, K].
    """

    number: np.ndarray
    time: np.ndarray
    series: np.ndarray
    values: np.ndarray
    known: np.ndarray

    def select(self, rows: np.ndarray) -> "TimedRows":
        """Return some of them."""
        return TimedRows(*(getattr(self, name)[rows] for name in ("number", "time", "series", "values", "known")))


@dataclass(frozen=True)
class Gridded:
    """Series on one grid.

    Attributes:
        part: The series.
        problems: Rows that cannot be used.
        notes: What is worth telling.
        warnings: What the user should look at.
    """

    part: TimelinePart
    problems: tuple[DataProblem, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def as_timeline(part: TablePart, layout: TimeLayout, *, most_rows: int = 0, interval: Interval | None = None) -> Gridded:
    """Return the series of a table.

    Args:
        part: The table.
        layout: What its columns are, as far as somebody said it.
        most_rows: How many times are used, the first ones; 0 = all.
        interval: The step of the series that these belong to; None = to be found.

    Raises:
        DataError: No series can be made of it.
    """
    columns = replace(choose_columns(part, layout), by_series=layout.by_series)
    time_N, missing_N, is_number = times_of(part, columns.time)
    problems = _without_time(part, columns, missing_N)
    code_N, names = _series(part, columns)
    rows = TimedRows(np.arange(len(part)), time_N, code_N, numbers_of(part, columns.values), numbers_of(part, columns.known))
    rows = rows.select(np.flatnonzero(~missing_N & (code_N >= 0)))
    notes = [*columns.notes(), *_say_times(part, columns, rows, is_number=is_number)]
    rows, repeated, more = _each_once(part, columns, rows.select(np.lexsort((rows.time, rows.series))), is_number=is_number)
    problems += repeated
    notes += more
    time_T = np.unique(rows.time)
    if len(time_T) < LEAST_TIMES:
        raise DataError(
            [
                *problems,
                DataProblem(
                    part.file, f"{len(time_T)} time{'s' * (len(time_T) != 1)} in it", "A series needs many: give a longer table."
                ),
            ]
        )
    found = interval or find_interval(time_T, is_number=is_number)
    rows, time_T, odd = _on_days(part, rows, time_T, found)
    if interval is not None:
        _require_step(part, interval, time_T, is_number=is_number)
    place_N, off = _places(part, rows, found, time_T)
    if off is not None:
        raise DataError([*problems, off])
    made = _filled(part, columns, names, rows, place_N, found)
    if most_rows:
        made = _cut(made, most_rows)
    notes += say_by_series(made.reading["by_series"], part.file)
    told = [f"{part.file}: {warning}" for warning in columns.warnings()]
    return Gridded(made, tuple(problems), tuple(notes), (*told, *odd, *_constant(made)))


def _say_times(part: TablePart, columns: TimeColumns, rows: TimedRows, *, is_number: bool) -> list[str]:
    """Tell how times that are no dates were read, and that rows are not in order."""
    told = []
    cells = part.column(columns.time)
    if not is_number and compact_times(cells) is not None:
        told.append(f"{part.file}, column {columns.time}: whole numbers read as dates, such as {say_time(int(rows.time[0]))}")
    elif not is_number and (unit := epoch_unit(cells)):
        told.append(f"{part.file}, column {columns.time}: read as {'milli' * (unit > 1)}seconds since 1970, in UTC")
    back = np.flatnonzero(np.diff(rows.time) < 0) + 1
    # Where clocks are put back, an hour comes twice: this is told of the times that are there again.
    if len(back) and not columns.series_id and (is_number or not are_clock_changes(rows.time[back])):
        told.append(f"{part.file}: rows are not in order of time, such as {part.locate(int(rows.number[back[0]]))}: put in order")
    return told


def _without_time(part: TablePart, columns: TimeColumns, missing_N: np.ndarray) -> list[DataProblem]:
    """Return a problem for each row without a time."""
    remedy = f"Write the date as in the other rows ({columns.time}), or remove the row."
    bad = np.flatnonzero(missing_N)
    return [
        DataProblem(f"{part.locate(int(row))}, column {columns.time}", "no time that can be read", remedy, item=int(row))
        for row in bad
    ]


def _series(part: TablePart, columns: TimeColumns) -> tuple[np.ndarray, list[str]]:
    """Return which series each row belongs to, [N], -1 where it does not say; and the names of the series."""
    if not columns.series_id:
        return np.zeros(len(part), dtype=np.int64), [""]
    coded = pc.dictionary_encode(part.column(columns.series_id).combine_chunks())
    code_N = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    said = coded.dictionary.to_pylist()
    # In order of their names: which row comes first says nothing.
    order = sorted(range(len(said)), key=said.__getitem__)
    if (code_N < 0).any():
        row = int(np.flatnonzero(code_N < 0)[0])
        remedy = "Write which series the row belongs to."
        raise DataError([DataProblem(part.locate(row), f"column {columns.series_id} is empty", remedy)])
    return np.argsort(order)[code_N], [str(said[place]) for place in order]


def _each_once(
    part: TablePart, columns: TimeColumns, rows: TimedRows, *, is_number: bool
) -> tuple[TimedRows, list[DataProblem], list[str]]:
    """Return each time of a series once: equal rows of one time are one; different ones are a problem."""
    again_N = np.r_[False, (np.diff(rows.time) == 0) & (np.diff(rows.series) == 0)]
    if not again_N.any():
        return rows, [], []
    cells = np.column_stack([rows.values, rows.known])
    is_same = np.r_[False, ((cells[1:] == cells[:-1]) | (np.isnan(cells[1:]) & np.isnan(cells[:-1]))).all(axis=1)]
    equal, different = np.flatnonzero(again_N & is_same), np.flatnonzero(again_N & ~is_same)
    if not columns.series_id and len(different) > SEVERAL_SERIES * len(rows.time):
        _require_series(part, columns, rows, different)
    notes = []
    if len(equal):
        where = f"such as {part.locate(int(rows.number[equal[0]]))} ({say_time(int(rows.time[equal[0]]), is_number=is_number)})"
        notes.append(f"{part.file}: {len(equal):,} rows say the same of the same time again, {where}: used once")
    remedy = "Keep one row for each time"
    remedy += (
        " of a series."
        if columns.series_id
        else "; if several series are below each other, name their column: --series-id COLUMN."
    )
    why = ""
    if not is_number and are_clock_changes(rows.time[different]):
        why, remedy = f": {AGAIN}", REMEDY.format(time=say_time(int(rows.time[different[0]])))
    problems = [
        DataProblem(
            part.locate(int(rows.number[place])),
            f"{columns.time} {say_time(int(rows.time[place]), is_number=is_number)} again, with other values than in "
            f"{part.locate(int(rows.number[place - 1]))}{why}",
            remedy,
            item=int(rows.number[place]),
        )
        for place in different
    ]
    return rows.select(np.flatnonzero(~again_N)), problems, notes


def _require_series(part: TablePart, columns: TimeColumns, rows: TimedRows, different: np.ndarray) -> None:
    """Refuse rows of several series below each other, where a column seems to name these.

    Raises:
        DataError: There is such a column.
    """
    if clock := clock_column(part, columns.left_out):
        found = f"times of day stand in a column of their own ({clock}), so that rows of one day have the same time"
        remedy = "Join both columns into one, written like 2020-12-31 18:00."
        raise DataError([DataProblem(f"{part.file}, column {columns.time}", found, remedy)])
    if half := second_half(part, columns.time, row_N=rows.number, time_N=rows.time):
        found = f"{len(different):,} of {len(rows.time):,} rows have a time that another row has too: half of it stands in {half}"
        raise DataError([DataProblem(f"{part.file}, column {columns.time}", found, say_join(part, columns.time, half))])
    likely = likely_series(part, columns, row_N=rows.number, time_N=rows.time)
    # Beside a column of words, whole numbers are what was measured.
    likely = [name for name in likely if name not in columns.values] or likely
    if likely:
        found = f"{len(different):,} of {len(rows.time):,} rows have a time that another row has too, with other values: "
        found += "several series seem to be below each other"
        others = f" (or {', '.join(likely[1:4])})" if len(likely) > 1 else ""
        remedy = f"Say which column names them: --series-id {likely[0]}{others}."
        raise DataError([DataProblem(f"{part.file}, column {columns.time}", found, remedy)])


def _on_days(part: TablePart, rows: TimedRows, time_T: np.ndarray, interval: Interval) -> tuple[TimedRows, np.ndarray, list[str]]:
    """Leave out a few rows, and their times, on days that the step does not know; many have no place on its grid."""
    is_odd_T = ~interval.has_days(time_T)
    if not is_odd_T.any() or not is_few(is_odd_T):
        return rows, time_T, []
    is_odd_N = ~interval.has_days(rows.time)
    count, first = int(is_odd_N.sum()), _told(part, rows, int(np.flatnonzero(is_odd_N)[0]), interval)
    found = (
        f"{part.file}: {count:,} row{'s' * (count != 1)} of a Saturday or Sunday, where all others are of working days: {first}"
    )
    told = f"{found}{', ...' * (count > 1)}. Left out; to keep the values, add them to those of the day before or after"
    return rows.select(np.flatnonzero(~is_odd_N)), time_T[~is_odd_T], [told]


def _places(part: TablePart, rows: TimedRows, interval: Interval, time_T: np.ndarray) -> tuple[np.ndarray, DataProblem | None]:
    """Return the place of each row on the grid, and what is wrong where times, which are all of `time_T`, are not on one."""
    exact_N = interval.places(rows.time, origin=int(time_T[0]))
    place_N = np.round(exact_N).astype(np.int64)
    order = np.lexsort((place_N, rows.series))
    collide = (np.diff(place_N[order]) == 0) & (np.diff(rows.series[order]) == 0)
    off_N = np.abs(exact_N - place_N) > FAR_OFF
    length = int(place_N.max()) + 1
    is_sparse = len(time_T) < (1 - MOST_MISSING) * length or length > LONGEST_STRETCH
    if not off_N.any() and not collide.any() and not is_sparse:
        return place_N, None
    said = f"times are not at equal steps: most are {interval.say()} apart, and "
    remedy = "Bring the table to equal steps, such as the mean or the sum of each hour or day."
    if not off_N.any() and not collide.any():
        rise = np.argsort(rows.time, kind="stable")
        far = int(np.argmax(np.diff(rows.time[rise])))
        before, after = rise[far], rise[far + 1]
        said += f"nothing is between {_told(part, rows, before, interval)} and {_told(part, rows, after, interval)}"
        remedy += " Or mend that time, where it is wrong."
        return place_N, DataProblem(part.file, said, remedy)
    row = int(np.flatnonzero(off_N)[0]) if off_N.any() else int(order[np.flatnonzero(collide)[0] + 1])
    return place_N, DataProblem(part.file, f"{said}{_told(part, rows, row, interval)} is not on that grid", remedy)


def _require_step(part: TablePart, interval: Interval, time_T: np.ndarray, *, is_number: bool) -> None:
    """Refuse times of another step than the series have that they belong to."""
    if (interval.kind == "number") != is_number:
        found = "times that are counted" if is_number else "dates"
        expected = "counts them" if interval.kind == "number" else "has dates"
        raise DataError([DataProblem(part.file, f"{found}, where the training {expected}", "Write times as in the training.")])
    if not interval.is_step_of(time_T):
        found = f"a step of {find_interval(time_T, is_number=is_number).say()}, where the training has {interval.say()}"
        raise DataError([DataProblem(part.file, found, "Give series measured at the same step.")])


def _told(part: TablePart, rows: TimedRows, row: int, interval: Interval) -> str:
    """Write the time of a row, and where it stands."""
    return f"{say_time(int(rows.time[row]), is_number=interval.kind == 'number')} ({part.locate(int(rows.number[row]))})"


def _filled(
    part: TablePart, columns: TimeColumns, names: Sequence[str], rows: TimedRows, place_N: np.ndarray, interval: Interval
) -> TimelinePart:
    """Return the rows on the grid; NaN where there is none."""
    length, count = int(place_N.max()) + 1, len(columns.values)
    _require_memory(part, length=length, num_series=len(names) * count, num_values=rows.values.size)
    values = np.full((length, len(names), count), np.nan)
    values[place_N, rows.series] = rows.values
    said = KnownRows(
        columns.known, rows.known, place_N, rows.series, names, lambda row: _told(part, rows, row, interval), part.file
    )
    known = known_on_grid(said, by_series=columns.by_series, has_one_value=count == 1)
    present = np.zeros(length, dtype=bool)
    present[place_N] = True
    edges = np.flatnonzero(np.diff(np.r_[True, present, True].astype(np.int8)))
    gaps = tuple((int(begin), int(end - begin)) for begin, end in zip(edges[::2], edges[1::2], strict=True))
    if not columns.series_id:
        series = columns.values
    else:
        series = tuple(names) if count == 1 else tuple(f"{name} {column}" for name in names for column in columns.values)
    flat = values.reshape(length, -1)
    start = int(rows.time.min())
    reading = {
        "time_column": columns.time,
        "series_id": columns.series_id,
        "columns": list(columns.values),
        "known": list(columns.known),
        "by_series": list(known.by_series),
        "dates": dict(part.dates),
    }
    fingerprint = hash_values(start, flat, known.values)
    return TimelinePart(
        part.name, flat, known.values, start, interval, series, known.names, part.file, fingerprint, gaps, reading
    )


def _require_memory(part: TablePart, *, length: int, num_series: int, num_values: int) -> None:
    """Refuse series that take more memory than there is, each at all times of all.

    Raises:
        DataError: They do.
    """
    size, most = length * num_series * BYTES_EACH, memory_bytes()
    if size > most:
        found = f"{num_series:,} series at {length:,} times take about {size / 2**30:,.0f} GB of memory, and there are "
        found += f"{most / 2**30:,.0f}; {num_values / (length * num_series):.1%} of them hold a value"
        remedy = "Give fewer series, later times alone, or longer steps, such as the mean or the sum of each day."
        raise DataError([DataProblem(part.file, found, remedy)])


def _cut(part: TimelinePart, count: int) -> TimelinePart:
    """Return the first times only."""
    return replace(part.stretch(0, min(count, len(part)), name=part.name), reading=part.reading)


def _constant(part: TimelinePart) -> list[str]:
    """Tell of series that never change; refuse data of nothing else.

    Raises:
        DataError: No series changes, or none was measured.
    """
    still, empty = [], []
    for number, name in enumerate(part.series):
        measured = part.values[~np.isnan(part.values[:, number]), number]
        if not len(measured):
            empty.append(name)
        elif (measured == measured[0]).all():
            still.append((name, len(measured)))
    named_by = part.reading.get("series_id", "")
    if (
        named_by
        and len(part.series) > 1
        and len(still) + len(empty) == len(part.series)
        and max((count for _, count in still), default=0) == 1
    ):
        found = f"names {len(part.series):,} series, and none has more than one value"
        remedy = "Name the column that is the same in all rows of a series, or leave --series-id out."
        raise DataError([DataProblem(f"{part.file}, column {named_by}", found, remedy)])
    if len(still) + len(empty) == len(part.series):
        found = "no series has any value" if not still else "every series has the same value at all times"
        raise DataError([DataProblem(part.file, found, "There is nothing to forecast. Give series that change.")])
    told = []
    # A single value is no course: the task tells of series that are too short, or of which nothing was measured.
    if named := [name for name, count in still if count > 1]:
        told.append(f"{part.file}: never changes: {', '.join(named[:5])}. It is forecast to stay so; --target leaves series out")
    return told
