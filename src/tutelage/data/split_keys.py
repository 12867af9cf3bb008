"""By what rows are kept apart if not at random: the time of each row, or the group that it belongs to.

They come from a column, from a pattern in names (of files, or in a column's cells), or beside the data from Python. Rows
without a time or a group cannot be put on a side: they are problems of the data like any other.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.core.catalog import suggest
from tutelage.core.errors import DataError, DataProblem, RecipeError
from tutelage.core.setting import write_setting
from tutelage.data.part.base import Part, RowsPart
from tutelage.data.prepare.cells import plain

__all__ = ["By", "SplitKeys", "find_keys", "known_rows"]

By = Literal["auto", "random", "time", "group"]

EXAMPLES = {"time": r"--set 'split.pattern=(\d{4}-\d{2}-\d{2})'", "group": r"--set 'split.pattern=patient(\d+)'"}
"""How a pattern is written."""
NOTHING = np.zeros(0, dtype=np.int64)
MISSING = np.iinfo(np.int64).min
"""Stands for a group or a time that is not there, among whole numbers."""


@dataclass(frozen=True)
class SplitKeys:
    """What decides on which side a row falls.

    Attributes:
        by: At random, by time or by groups; `auto` where nobody said anything.
        origin: Where times or groups come from, such as `column date`.
        column: The column that holds them, or "".
        keys: [N] of the train rows: numbers of groups, or times of which the larger is the later.
        tested: [M] of the source's own test rows, in the same numbers, as far as they have any.
        is_date: Whether times are microseconds since 1970.
    """

    by: By = "auto"
    origin: str = ""
    column: str = ""
    keys: np.ndarray = field(default_factory=lambda: NOTHING)
    tested: np.ndarray = field(default_factory=lambda: NOTHING)
    is_date: bool = False

    def say(self, time: float) -> str:
        """Write a time as people do."""
        if not self.is_date:
            return f"{time:.12g}"
        text = str(np.datetime64(int(time), "us")).replace("T", " ").removesuffix(".000000")
        return text.removesuffix(" 00:00:00")


def find_keys(
    train: Part, test: Part | None, *, by: By, column: str = "auto", pattern: str = "", marks: object = None
) -> tuple[SplitKeys, tuple[str, ...], tuple[DataProblem, ...]]:
    """Find the time or the group of each row.

    Args:
        train: Rows to learn from.
        test: The source's own test part.
        by: What is asked for.
        column: The column that holds them; auto = the only one with dates.
        pattern: A regular expression whose first group, or else all of it, is what counts in a name or a cell.
        marks: One value for each train row, given from Python.

    Returns:
        The keys, what is worth telling, and a problem where train rows have none.

    Raises:
        RecipeError: They are nowhere to be found, with what could be meant.
    """
    if by in ("auto", "random"):
        return SplitKeys(by), (), ()
    if not isinstance(train, RowsPart):
        raise RecipeError(f"recipe: split.by = {by!r} is for rows, and these are {train.kind} data. Leave it out.")
    notes: tuple[str, ...] = ()
    if marks is not None:
        origin, name, cells, others = f"the {by}s given", "", _as_cells(marks, where=f"the {by}s given"), None
    else:
        name, notes = _choose_column(train, by=by, column=column, pattern=pattern)
        origin = f"column {name}" if name else f"the names, by {pattern}"
        cells, others = _cells(train, name), _cells(test, name)
    if pattern:
        cells = _extract(cells, pattern, where=name or "the names", must=True)
        others = None if others is None else _extract(others, pattern, where=name, must=False)
    is_date = False
    if by == "group":
        keys, tested = _number_groups(cells, others)
    else:
        keys, is_date = _read_times(cells, train, origin=origin, column=name)
        tested = NOTHING if others is None else _read_times(others, test, origin=origin, column=name)[0]
    tested = tested[~_is_missing(tested)]
    problems = _missing(train, keys, by=by, origin=origin)
    return SplitKeys(by, origin, name, keys, tested, is_date), notes, problems


def known_rows(found: SplitKeys) -> np.ndarray:
    """Return the numbers of the train rows that have a time or a group."""
    return np.flatnonzero(~_is_missing(found.keys))


def _choose_column(part: RowsPart, *, by: By, column: str, pattern: str) -> tuple[str, tuple[str, ...]]:
    """Return the column that is meant, "" where names count, and what to tell.

    Raises:
        RecipeError: There is none, or it is not clear which.
    """
    columns = [name for name in part.columns if name != part.target]
    if column != "auto":
        if column == part.target and column:
            raise RecipeError(f"recipe: split.column = {column!r} is the target. Name the column that holds the {by}s.")
        if column not in columns:
            known = f"{suggest(column, columns)} Columns: {', '.join(columns)}." if columns else ": these data have no columns."
            raise RecipeError(f"recipe: split.column = {column!r}: no such column{known}")
        return column, ()
    if not columns:
        if pattern:
            return "", ()
        given = f"or from Python {by}s=... with the arrays, also to resume"
        raise RecipeError(f"recipe: split.by = {by!r} does not say where the {by}s are. Give {EXAMPLES[by]}, {given}.")
    dates = [
        name for name, kind in part.types.items() if name in columns and (pa.types.is_timestamp(kind) or pa.types.is_date(kind))
    ]
    if by == "time" and len(dates) == 1:
        return dates[0], (f"split.column = {dates[0]}: the only column with dates",)
    several = (
        f"several columns hold dates ({', '.join(dates)})"
        if dates and by == "time"
        else f"it is not said which column holds the {by}s"
    )
    raise RecipeError(f"recipe: split.by = {by!r}: {several}. Name it: --set split.column=NAME. Columns: {', '.join(columns)}.")


def _cells(part: Part | None, column: str) -> pa.ChunkedArray | None:
    """Return the cells of a column, or the names of the rows; None where a part has no such column."""
    if not isinstance(part, RowsPart) or (column and column not in part.columns):
        return None
    if column:
        cells = part.column(column)
        return None if cells is None else plain(cells)
    return pa.chunked_array([pa.array([part.locate(row) for row in range(len(part))], type=pa.string())])


def _as_cells(marks: object, *, where: str) -> pa.ChunkedArray:
    """Return what was given from Python as cells.

    Raises:
        DataError: The values are of several kinds.
    """
    try:
        return plain(pa.chunked_array([pa.array(marks, from_pandas=True)]))
    except (pa.ArrowException, TypeError, ValueError) as error:
        found = f"values of which no column can be made ({str(error).splitlines()[0]})"
        raise DataError([DataProblem(where, found, "Give numbers, texts or dates, of one kind.")]) from error


def _extract(cells: pa.ChunkedArray | None, pattern: str, *, where: str, must: bool) -> pa.ChunkedArray:
    """Return what a pattern finds in each cell, null where it finds nothing.

    Raises:
        RecipeError: It is no pattern, or finds nothing in any cell.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise RecipeError(f"recipe: split.pattern = {pattern!r}: not a regular expression ({error}).") from error
    texts = [] if cells is None else cells.cast(pa.string()).to_pylist()
    found = [_match(expression, text) for text in texts]
    if must and not any(found):
        example = next((text for text in texts if text), "")
        raise RecipeError(f"recipe: split.pattern = {pattern!r} finds nothing in {where}, such as {example!r}.")
    return pa.chunked_array([pa.array(found, type=pa.string())])


def _match(expression: re.Pattern[str], text: str | None) -> str | None:
    """Return what is found in a text: the first group of the pattern, or all of it where it has none."""
    found = expression.search(text) if text is not None else None
    if found is None:
        return None
    return found.group(1 if expression.groups else 0) or None


def _number_groups(cells: pa.ChunkedArray | None, others: pa.ChunkedArray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of each row's group; groups that only other rows have come last."""
    numbers: dict[object, int] = {}
    both = []
    for part in (cells, others):
        if part is None:
            both.append(NOTHING)
            continue
        coded = part.combine_chunks().dictionary_encode()
        known = [numbers.setdefault(value, len(numbers)) for value in coded.dictionary.to_pylist()]
        places = coded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
        both.append(np.array([*known, MISSING], dtype=np.int64)[places])
    return both[0], both[1]


def _read_times(cells: pa.ChunkedArray | None, part: Part | None, *, origin: str, column: str) -> tuple[np.ndarray, bool]:
    """Return numbers that rise with time, NaN or MISSING where there is none, and whether they are dates.

    Raises:
        RecipeError: They are neither dates nor numbers.
    """
    assert cells is not None
    kind = cells.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        cells = _parse_times(cells)
        kind = cells.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        moments = cells.cast(pa.timestamp("us", tz=getattr(kind, "tz", None)), safe=False).cast(pa.int64())
        return moments.fill_null(MISSING).to_numpy(), True
    if pa.types.is_integer(kind) and not pa.types.is_uint64(kind):
        return cells.cast(pa.int64()).fill_null(MISSING).to_numpy(), False
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_uint64(kind):
        return cells.cast(pa.float64(), safe=False).to_numpy().astype(np.float64), False
    example = next((value for value in cells.to_pylist() if value is not None), None)
    found = f"recipe: split.by = 'time': {origin} holds neither dates nor numbers, such as {example!r}"
    said = write_setting("source", "dates", column, value="%d.%m.%Y")
    hint = f" If these are dates, say how they are written: {said}" if column else ""
    raise RecipeError(f"{found}.{hint}")


def _parse_times(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts as numbers or dates where all can be read so, else as they are."""
    for kind in (pa.int64(), pa.float64(), pa.timestamp("us"), pa.timestamp("us", tz="UTC")):
        try:
            return pc.cast(texts, kind)
        except pa.ArrowInvalid:
            continue
    return texts


def _is_missing(keys: np.ndarray) -> np.ndarray:
    """Tell which rows have no time or group."""
    missing: np.ndarray = np.isnan(keys) if keys.dtype.kind == "f" else keys == MISSING
    return missing


def _missing(part: RowsPart, keys: np.ndarray, *, by: By, origin: str) -> tuple[DataProblem, ...]:
    """Return the one problem that some rows have no time or group."""
    rows = np.flatnonzero(_is_missing(keys)).tolist()
    if not rows:
        return ()
    found = f"{len(rows):,} rows have no {by}, by which the rows are to be parted, such as {part.locate(rows[0])}"
    return (DataProblem(f"{part.name}, {origin}", found, "Fill it in, or remove these rows.", items=tuple(rows)),)
