"""A table as its file has it to a table of typed columns, with every cell that cannot stand."""

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.core.errors import DataProblem
from tutelage.core.names import shorten
from tutelage.data.part.packed import pack
from tutelage.data.part.table import TablePart
from tutelage.data.source.arrow_types import TYPE_OF, Kind, is_text, kind_of, positions
from tutelage.data.source.cells import (
    MIN_FRACTION,
    MISSING,
    NUMBER,
    Style,
    Typed,
    as_plain_text,
    find_style,
    null_where,
    read_cells,
    trim,
)
from tutelage.data.source.dates import find_form, say_form
from tutelage.data.source.pixel_arrays import PixelRange
from tutelage.data.source.raw_table import RawTable
from tutelage.data.source.target import read_target

__all__ = ["Expected", "TypedTable", "type_table"]

STYLE_OF: dict[Kind, Style] = {"number": "number", "boolean": "boolean", "date": "date", "text": "text"}
"""How cells are read where the training table says what a column holds."""

MAX_PROBED = 2000
"""Cells of a column of text that are looked at for numbers."""
LARGEST = sys.float_info.max
MAX_ODD_FRACTION = 0.05
"""Share of cells that do not fit the training table up to which they are told of one by one; beyond, the column is."""


@dataclass
class TypedTable:
    """A table whose columns have types, while it is made.

    Attributes:
        raw: Where it comes from.
        target: Name of the target column, or "".
        columns: Columns read so far, packed where they are long.
        dates: How the dates of columns are written, see `dates.py`.
        problems: What is wrong, that of the lines included.
        notes: What is worth telling.
        warnings: What the user should look at.
        bad: Positions of rows that cannot be used.
    """

    raw: RawTable
    target: str
    columns: dict[str, pa.ChunkedArray] = field(default_factory=dict)
    dates: dict[str, str] = field(default_factory=dict)
    problems: list[DataProblem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    bad: set[int] = field(default_factory=set)

    def refuse(self, rows: np.ndarray, column: str, *, found: str, remedy: str) -> None:
        """Take note of cells that make their rows unusable."""
        for row in rows.tolist():
            where = f"{self.raw.file} row {self.raw.lines[row]}, column {column}"
            text = found.format(cell=shorten(self.raw.columns.get(column)[row].as_py()))
            cause = f"{self.raw.file}, column {column}: {found}"
            self.problems.append(DataProblem(where, text, remedy, item=int(self.raw.items[row]), cause=cause))
        self.bad.update(rows.tolist())

    def refuse_infinite(self, rows: np.ndarray, column: str, *, remedy: str) -> None:
        """Take note of cells that say infinity, or a number so large that it becomes it."""
        if not len(rows):
            return
        cells = self.raw.columns.get(column)
        said = np.array([_says_infinity(cells[row].as_py()) for row in rows.tolist()], dtype=bool)
        self.refuse(rows[said], column, found="{cell} is not a finite number", remedy=remedy)
        self.refuse(rows[~said], column, found=f"{{cell}} is too large for a number (limit {LARGEST:.2g})", remedy=remedy)

    def part(self, name: str) -> TablePart:
        """Return the usable rows as a part."""
        table = pa.table({column: pack(cells) for column, cells in self.columns.items()})
        whole = TablePart(
            name=name,
            table=table,
            file=self.raw.file,
            lines=self.raw.lines,
            target=self.target,
            fingerprint="",
            dates=self.dates,
        )
        mask = np.ones(self.raw.num_rows, dtype=bool)
        mask[np.array(sorted(self.bad), dtype=np.int64)] = False
        sound = whole if mask.all() else whole.select(np.flatnonzero(mask))
        schema = pa.schema(list(whole.types.items()))
        told = hashlib.sha256(f"{self.raw.digest}\0{self.target}\0{schema}".encode())
        told.update(np.ascontiguousarray(sound.lines, dtype=np.int64).data)
        return sound.marked(told.hexdigest())


@dataclass(frozen=True)
class Expected:
    """What the training data say of others: of the columns of a table, or of images given as numbers.

    Attributes:
        types: Type of each column.
        dates: How the dates of columns are written there.
        pixel_range: The numbers that meant black and white; None where they were whole, or these are no images.
    """

    types: Mapping[str, pa.DataType] = field(default_factory=dict)
    dates: Mapping[str, str] = field(default_factory=dict)
    pixel_range: PixelRange | None = None


def type_table(raw: RawTable, *, target: str, expected: Expected | None = None, needs_target: bool = True) -> TypedTable:
    """Find the types of all columns and read them, column by column; the raw table loses each column that was read.

    Args:
        raw: The table.
        target: Name of the target column, or "" where there is none; its raw cells are kept.
        expected: What the training table says of its columns, which this table must follow.
        needs_target: Whether a row without a target is of no use.
    """
    made = TypedTable(raw=raw, target=target, problems=list(raw.problems), notes=list(raw.notes))
    expected, is_absent = expected or Expected(), False
    for name in raw.names:
        type_ = expected.types.get(name)
        if name == target:
            num_problems = len(made.problems)
            _add_target(made, name, expected=type_)
            # Told once, and when the other columns have been read.
            is_absent = needs_target and _is_empty(made.columns[name]) and len(made.problems) == num_problems
            if needs_target and not is_absent:
                _refuse_missing(made, name)
            continue
        if type_ is None:
            _add_column(made, name)
        else:
            _add_expected(made, name, type_, form=expected.dates.get(name, ""), is_input=not needs_target)
        made.columns[name] = pack(made.columns[name])
        raw.columns.release(name)
    if is_absent:
        _refuse_empty(made, target)
    made.problems.sort(key=lambda problem: problem.item)
    pa.default_memory_pool().release_unused()
    return made


def _add_target(made: TypedTable, name: str, *, expected: pa.DataType | None) -> None:
    """Read the target column."""
    raw = made.raw
    if raw.delimiter or (expected is not None and kind_of(expected) != kind_of(raw.columns.get(name).type)):
        read = read_target(trim(_as_text(raw.columns.get(name))), delimiter=raw.delimiter, expected=expected)
        made.columns[name] = read.values
        made.refuse(read.odd, name, found="{cell} is not a number", remedy="Mend the cell.")
        made.refuse_infinite(read.infinite, name, remedy="Mend the cell.")
        if read.note:
            made.notes.append(f"{raw.file}: {read.note}")
    else:
        made.columns[name] = raw.columns.get(name)
        made.refuse_infinite(_infinite(made.columns[name]), name, remedy="Mend the cell.")


def _refuse_missing(made: TypedTable, name: str) -> None:
    """Refuse rows without a target, but those that were refused for it already."""
    missing = [row for row in positions(pc.is_null(made.columns[name])).tolist() if row not in made.bad]
    made.refuse(np.array(missing, dtype=np.int64), name, found="the target is missing", remedy="Fill it in, or remove the row.")


def _refuse_empty(made: TypedTable, name: str) -> None:
    """Refuse a table without any target, once."""
    what = "the table" if all(map(_is_empty, made.columns.values())) else "the target"
    found = f"every cell of {what} is empty, in all {made.raw.num_rows:,} rows"
    remedy = "Give a table with values; an empty cell or ? is no target."
    made.problems.append(DataProblem(f"{made.raw.file}, column {name}", found, remedy))
    made.bad.update(range(made.raw.num_rows))


def _add_column(made: TypedTable, name: str) -> None:
    """Read a column of the training table."""
    raw = made.raw
    column = raw.columns.get(name)
    style: Style
    if raw.delimiter or name in raw.unread:
        cells = _without_missing(column)
        style = find_style(cells, delimiter=raw.delimiter or ",")
    elif is_text(column.type) and not _is_empty(column) and find_form(trim(column), min_fraction=MIN_FRACTION):
        # Formats of files that have types need not have one for dates, and data frames often have text in its place.
        cells, style = _without_missing(column), "date"
    else:
        made.columns[name] = column
        made.refuse_infinite(_infinite(column), name, remedy="Mend the cell, or empty it.")
        return
    _take(made, name, read_cells(cells, style), style)
    if style == "text":
        _note_numbers(made, name, cells)


def _add_expected(made: TypedTable, name: str, type_: pa.DataType, *, form: str, is_input: bool) -> None:
    """Read a column of which the training table says what it holds, and how its dates are written."""
    raw = made.raw
    column = raw.columns.get(name)
    kind = kind_of(type_)
    if not raw.delimiter and name not in raw.unread and kind_of(column.type) == kind:
        _add_column(made, name)
        return
    cells = _without_missing(_as_text(column))
    is_known = bool(form) and cells.null_count < len(cells)
    style = "date" if is_known else find_style(cells, delimiter=raw.delimiter or ",")
    if kind == "text" or style == "empty":
        made.columns[name] = as_plain_text(cells) if kind == "text" else pa.chunked_array([pa.nulls(len(cells), TYPE_OF[kind])])
        return
    numeric = style in ("integer", "number", "decimal_comma", "thousands")
    if (kind == "number" and numeric) or (kind == style and not form):
        _take(made, name, read_cells(cells, style), style)
        return
    typed = read_cells(cells, STYLE_OF[kind], form=form)
    made.columns[name] = typed.values
    if typed.form:
        made.dates[name] = typed.form
    # Of a table to predict on, rows that do not fit can be left out one by one, however many these are.
    _refuse_odd(made, name, typed, said=_say_misfit(kind, form), max_fraction=1.0 if is_input else MAX_ODD_FRACTION)


def _say_misfit(kind: Kind, form: str) -> tuple[str, str]:
    """Say what is wrong with a cell that does not fit the training table, and what to do."""
    if not form:
        return f"is no {kind}, as it is in the training data", "Mend the cell, or empty it."
    found = f"is no date written as in the training data, like {say_form(form)} ({form})"
    return found, "Write the date that way, or empty the cell."


def _refuse_odd(made: TypedTable, name: str, typed: Typed, *, said: tuple[str, str], max_fraction: float) -> None:
    """Refuse cells that do not fit the training table, one by one, or the column where these are more than some share."""
    if not len(typed.odd) and not len(typed.infinite):
        return
    found, remedy = said
    if len(typed.odd) <= max_fraction * len(typed.values):
        made.refuse(typed.odd, name, found=f"{{cell}} {found}", remedy=remedy)
        made.refuse_infinite(typed.infinite, name, remedy="Mend the cell, or empty it.")
        return
    first = int(typed.odd[0])
    example = f"{shorten(str(made.raw.columns.get(name)[first].as_py()).strip())} in row {made.raw.lines[first]}"
    shown = f"{len(typed.odd):,} of {len(typed.values):,} cells, such as {example}: each {found}"
    made.problems.append(DataProblem(f"{made.raw.file}, column {name}", shown, "Give it the same kind of values in both."))


def _take(made: TypedTable, name: str, typed: Typed, style: Style) -> None:
    """Take a column that was read in a style, and tell of its odd cells."""
    made.columns[name] = typed.values
    if typed.form:
        made.dates[name] = typed.form
    if typed.note:
        made.notes.append(f"{made.raw.file}, column {name}: {typed.note}")
    made.refuse_infinite(typed.infinite, name, remedy="Mend the cell, or empty it.")
    if len(typed.odd):
        first = int(typed.odd[0])
        cell = made.raw.columns.get(name)[first].as_py()
        made.warnings.append(
            f"{made.raw.file}, column {name}: {len(typed.odd):,} of {len(typed.values):,} cells are no {_word(style)}, "
            f"such as {shorten(cell)} in row {made.raw.lines[first]}; they count as missing"
        )


def _note_numbers(made: TypedTable, name: str, cells: pa.ChunkedArray) -> None:
    """Tell where a column is one of text though most of its cells are numbers, such as `12` beside `12 kg`."""
    rows = np.linspace(0, len(cells) - 1, min(len(cells), MAX_PROBED)).astype(np.int64)
    probe = cells.take(pa.array(rows))
    fits = np.asarray(pc.fill_null(pc.match_substring_regex(probe, NUMBER), True))
    num_present = len(probe) - probe.null_count
    num_numbers = int(fits.sum()) - probe.null_count
    if not num_numbers or 2 * num_numbers < num_present:
        return
    odd = int(rows[np.flatnonzero(~fits)[0]]) if not fits.all() else -1
    if odd >= 0:
        share, cell = num_numbers / num_present, cells[odd].as_py()
        found = f"about {share:.0%} of the cells are numbers, but not such as {cell[:40]!r} in row {made.raw.lines[odd]}"
        made.notes.append(f"{made.raw.file}, column {name}: {found}; so the column was read as text")


def _word(style: Style) -> str:
    """Name what a cell of a style is."""
    return style if style == "date" else "number"


def _without_missing(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return trimmed cells, null where they say that nothing is there."""
    return null_where(trim(column), MISSING)


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as text."""
    return column if pa.types.is_string(column.type) else column.cast(pa.large_string())


def _is_empty(column: pa.ChunkedArray) -> bool:
    """Tell whether no cell of a column holds anything."""
    return bool(column.null_count == len(column))


def _says_infinity(cell: object) -> bool:
    """Tell whether a cell that became infinity says so, and is no number of many digits."""
    return not isinstance(cell, str) or not any(sign.isdigit() for sign in cell)


def _infinite(column: pa.ChunkedArray) -> np.ndarray:
    """Return the positions of numbers that are not finite."""
    if not pa.types.is_floating(column.type):
        return np.zeros(0, dtype=np.int64)
    return positions(pc.is_inf(column))
