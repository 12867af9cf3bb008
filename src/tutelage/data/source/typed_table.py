"""A table as its file has it to a table of typed columns, with every cell that cannot stand."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.core.errors import Problem
from tutelage.data.part.table import TablePart
from tutelage.data.source.arrow_types import TYPE_OF, Kind, kind_of, positions
from tutelage.data.source.cells import MISSING, Style, Typed, find_style, read_cells, trim
from tutelage.data.source.raw_table import RawTable
from tutelage.data.source.target import read_target

__all__ = ["TypedTable", "type_table"]

STYLE_OF: dict[Kind, Style] = {"number": "number", "boolean": "boolean", "date": "date", "text": "text"}
"""How cells are read where the training table says what a column holds."""

MAX_ODD_SHARE = 0.05
"""Share of cells that do not fit the training table up to which they are told of one by one; beyond, the column is."""


@dataclass
class TypedTable:
    """A table whose columns have types, while it is made.

    Attributes:
        raw: Where it comes from.
        target: Name of the target column, or "".
        columns: Columns read so far.
        problems: What is wrong, that of the lines included.
        notes: What is worth telling.
        warnings: What the user should look at.
        bad: Positions of rows that cannot be used.
    """

    raw: RawTable
    target: str
    columns: dict[str, pa.Array | pa.ChunkedArray] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    bad: set[int] = field(default_factory=set)

    def refuse(self, rows: np.ndarray, column: str, *, found: str, remedy: str) -> None:
        """Take note of cells that make their rows unusable."""
        for row in rows.tolist():
            where = f"{self.raw.file} row {self.raw.lines[row]}, column {column}"
            text = found.format(cell=self.raw.table.column(column)[row].as_py())
            self.problems.append(Problem(where, text, remedy, item=int(self.raw.items[row])))
        self.bad.update(rows.tolist())

    def part(self, name: str) -> TablePart:
        """Return the usable rows as a part."""
        mask = np.ones(len(self.raw.lines), dtype=bool)
        mask[np.array(sorted(self.bad), dtype=np.int64)] = False
        table = pa.table(self.columns)
        lines = self.raw.lines[mask]
        told = f"{self.raw.digest}\0{self.target}\0{table.schema}".encode() + lines.astype(np.int64).tobytes()
        return TablePart(
            name=name,
            table=table if mask.all() else table.filter(pa.array(mask)),
            file=self.raw.file,
            lines=lines,
            target=self.target,
            fingerprint=hashlib.sha256(told).hexdigest(),
        )


def type_table(
    raw: RawTable, *, target: str, expected: Mapping[str, pa.DataType] | None = None, needs_target: bool = True
) -> TypedTable:
    """Find the types of all columns and read them.

    Args:
        raw: The table.
        target: Name of the target column, or "" where there is none.
        expected: Types of the columns of the training table, which this table must follow.
        needs_target: Whether a row without a target is of no use.
    """
    made = TypedTable(raw=raw, target=target, problems=list(raw.problems), notes=list(raw.notes))
    for name in raw.table.column_names:
        type_ = (expected or {}).get(name)
        if name == target:
            _add_target(made, name, expected=type_)
            if needs_target:
                _refuse_missing(made, name)
        elif type_ is None:
            _add_column(made, name)
        else:
            _add_expected(made, name, type_)
    made.problems.sort(key=lambda problem: problem.item)
    return made


def _add_target(made: TypedTable, name: str, *, expected: pa.DataType | None) -> None:
    """Read the target column."""
    raw = made.raw
    if raw.delimiter or (expected is not None and kind_of(expected) != kind_of(raw.table.column(name).type)):
        read = read_target(trim(_as_text(raw.table.column(name))), delimiter=raw.delimiter, expected=expected)
        made.columns[name] = read.values
        made.refuse(read.odd, name, found="{cell!r} is not a number", remedy="Mend the cell.")
        made.refuse(read.infinite, name, found="{cell!r} is not a finite number", remedy="Mend the cell.")
        if read.note:
            made.notes.append(f"{raw.file}: {read.note}")
    else:
        made.columns[name] = raw.table.column(name)
        made.refuse(_infinite(made.columns[name]), name, found="{cell} is not a finite number", remedy="Mend the cell.")


def _refuse_missing(made: TypedTable, name: str) -> None:
    """Refuse rows without a target, but those that were refused for it already."""
    missing = [row for row in positions(pc.is_null(made.columns[name])).tolist() if row not in made.bad]
    made.refuse(np.array(missing, dtype=np.int64), name, found="the target is missing", remedy="Fill it in, or remove the row.")


def _add_column(made: TypedTable, name: str) -> None:
    """Read a column of the training table."""
    raw = made.raw
    column = raw.table.column(name)
    if not raw.delimiter:
        made.columns[name] = column
        made.refuse(_infinite(column), name, found="{cell} is not a finite number", remedy="Mend the cell, or empty it.")
        return
    cells = _without_missing(column)
    style = find_style(cells, delimiter=raw.delimiter)
    _take(made, name, read_cells(cells, style), style)


def _add_expected(made: TypedTable, name: str, type_: pa.DataType) -> None:
    """Read a column of which the training table says what it holds."""
    raw = made.raw
    column = raw.table.column(name)
    kind = kind_of(type_)
    if not raw.delimiter and kind_of(column.type) == kind:
        _add_column(made, name)
        return
    cells = _without_missing(_as_text(column))
    style = find_style(cells, delimiter=raw.delimiter)
    if kind == "text" or style == "empty":
        plain = read_cells(cells, "text").values
        made.columns[name] = plain if kind == "text" else pa.nulls(len(cells), TYPE_OF[kind])
        return
    numeric = style in ("integer", "number", "decimal_comma", "thousands")
    if (kind == "number" and numeric) or kind == style:
        _take(made, name, read_cells(cells, style), style)
        return
    typed = read_cells(cells, STYLE_OF[kind])
    made.columns[name] = typed.values
    found = f"is no {kind}, as it is in the training data"
    if len(typed.odd) <= MAX_ODD_SHARE * len(cells):
        made.refuse(typed.odd, name, found=f"{{cell!r}} {found}", remedy="Mend the cell, or empty it.")
        made.refuse(typed.infinite, name, found="{cell!r} is not a finite number", remedy="Mend the cell, or empty it.")
        return
    first = int(typed.odd[0])
    example = f"{cells[first].as_py()!r} in row {raw.lines[first]}"
    shown = f"{len(typed.odd):,} of {len(cells):,} cells, such as {example}: each {found}"
    made.problems.append(Problem(f"{raw.file}, column {name}", shown, "Give it the same kind of values in both."))


def _take(made: TypedTable, name: str, typed: Typed, style: Style) -> None:
    """Take a column that was read in a style, and tell of its odd cells."""
    made.columns[name] = typed.values
    if typed.note:
        made.notes.append(f"{made.raw.file}, column {name}: {typed.note}")
    made.refuse(typed.infinite, name, found="{cell!r} is not a finite number", remedy="Mend the cell, or empty it.")
    if len(typed.odd):
        first = int(typed.odd[0])
        cell = made.raw.table.column(name)[first].as_py()
        made.warnings.append(
            f"{made.raw.file}, column {name}: {len(typed.odd):,} of {len(typed.values):,} cells are no {_word(style)}, "
            f"such as {cell!r} in row {made.raw.lines[first]}; they count as missing"
        )


def _word(style: Style) -> str:
    """Name what a cell of a style is."""
    return style if style == "date" else "number"


def _without_missing(column: pa.ChunkedArray) -> pa.Array:
    """Return trimmed cells, null where they say that nothing is there."""
    cells = trim(column)
    is_missing = pc.is_in(cells, value_set=pa.array(MISSING, type=cells.type))
    return pc.if_else(is_missing, pa.scalar(None, cells.type), cells)


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as text."""
    return column.cast(pa.large_string())


def _infinite(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Return the positions of numbers that are not finite."""
    if not pa.types.is_floating(column.type):
        return np.zeros(0, dtype=np.int64)
    return positions(pc.is_inf(column))
