"""Tables as JSON: a record on each line (JSON Lines), or one list of records; keys are columns, absent keys missing values.

Values keep their types. Text that is a date throughout becomes dates. Nested values are left out, and told of.
"""

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.core.border import without_twins
from tutelage.core.errors import DataError, DataProblem
from tutelage.core.memory import memory_bytes
from tutelage.data.source.dates import DATE, ISO, ISO_LIKE, read_dates
from tutelage.data.source.raw_table import HeldColumns, RawTable
from tutelage.data.source.stored_file import StoredFile
from tutelage.data.source.text_encoding import UNREADABLE, TextFile, open_text, text_start

__all__ = ["LINE_SUFFIXES", "is_records", "read_records"]

LINE_SUFFIXES = (".jsonl", ".ndjson")
CHUNK_ROWS = 20_000
MAX_COLUMNS = 100_000
MEMORY_PER_BYTE = 12
"""Bytes of memory that Python takes for each byte of a JSON file that is read as a whole."""
HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""One of the two escapes by which JSON writes a character beyond 65,535."""
REMEDY = 'Give a record on each line, such as {"size": 3, "kind": "a"}.'
NO_TEXT = "bytes that are no text in this file's encoding"
ENCODING_REMEDY = "Save the file as UTF-8, or mend the line."
BIG = 2**63
MAX_ODD_FRACTION = 0.05
"""Share of rows with a list or a record in a column up to which these are mistakes; beyond, the column is left out."""


@dataclass
class _Column:
    """A column while it is gathered: pieces of numbers, truth values or text, and the rows that it has so far."""

    pieces: list[pa.Array] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    num_rows: int = 0
    nested: list[int] = field(default_factory=list)


@dataclass
class _Body:
    """Records while they are gathered."""

    file: str
    columns: dict[str, _Column] = field(default_factory=dict)
    lines: list[int] = field(default_factory=list)
    items: list[int] = field(default_factory=list)
    problems: list[DataProblem] = field(default_factory=list)
    num_items: int = 0

    def add(self, record: object, line: int) -> None:
        """Take a record, or take note that it is none."""
        item = self.num_items
        self.num_items += 1
        if isinstance(record, _Wrong) or not isinstance(record, dict):
            wrong = record if isinstance(record, _Wrong) else _Wrong(f"no record but {_say_kind(record)}")
            self.problems.append(DataProblem(f"{self.file} row {line}", wrong.reason, wrong.remedy, item=item))
            return
        row = len(self.lines)
        self.lines.append(line)
        self.items.append(item)
        for key, value in record.items():
            column = self.columns.get(key) or self._new(key)
            if isinstance(value, dict | list):
                column.nested.append(row)
                value = None
            column.values += [None] * (row - column.num_rows - len(column.values)) + [value]
        if len(self.lines) % CHUNK_ROWS == 0:
            self.flush()

    def refuse_odd(self) -> list[int]:
        """Refuse, and return, the rows that alone have a list or record where the others have a value."""
        odd: set[int] = set()
        for name, column in self.columns.items():
            if not 0 < len(column.nested) <= MAX_ODD_FRACTION * len(self.lines):
                continue
            for row in column.nested:
                where = f"{self.file} row {self.lines[row]}, column {name}"
                remedy = "Give it a value like the others, or remove the row."
                self.problems.append(
                    DataProblem(where, "a list or a record, where others are none", remedy, item=self.items[row])
                )
            odd.update(column.nested)
            column.nested = []
        return sorted(odd)

    def flush(self) -> None:
        """Move the values held as Python objects into Arrow."""
        for column in self.columns.values():
            values = column.values + [None] * (len(self.lines) - column.num_rows - len(column.values))
            column.pieces.append(_as_array(values))
            column.num_rows, column.values = len(self.lines), []

    def _new(self, key: str) -> _Column:
        """Begin a column that the records before did not have."""
        if len(self.columns) >= MAX_COLUMNS:
            found = f"more than {MAX_COLUMNS:,} different keys"
            raise DataError([DataProblem(self.file, found, "Keys are columns; give all records the same.")])
        self.columns[key] = _Column()
        return self.columns[key]


@dataclass(frozen=True, slots=True)
class _Wrong:
    """What is wrong with a line."""

    reason: str
    remedy: str = REMEDY


def is_records(stored: StoredFile) -> bool:
    """Tell whether a file is named as JSON Lines, or begins as a list of records or with a record on a line.

    Raises:
        OSError: It cannot be read.
        DataError: It is packed and damaged.
    """
    if stored.suffix in LINE_SUFFIXES:
        return True
    start = text_start(stored, 65_536).lstrip()
    if start.startswith("["):
        return stored.suffix == ".json" and start[1:].lstrip().startswith("{")
    if not start.startswith("{"):
        return False
    lines = start.splitlines()
    return len(lines) > 1 and isinstance(_parse(lines[0]), dict)


def read_records(path: Path) -> RawTable:
    """Read records.

    Raises:
        DataError: There is none, or the file cannot be read.
    """
    text = open_text(path)
    body = _Body(path.name)
    is_list = text.head(4096).lstrip().startswith("[") and text.stored.suffix not in LINE_SUFFIXES
    if text.is_damaged and is_list:
        line = next((number for number, line in enumerate(text.lines(), 1) if UNREADABLE.search(line)), 1)
        raise DataError([DataProblem(f"{path.name} line {line}", NO_TEXT, ENCODING_REMEDY)])
    for line, record in _list_of(text) if is_list else _by_line(text):
        body.add(record, line)
    if not body.lines:
        raise DataError([*body.problems, DataProblem(path.name, "no records", REMEDY)])
    body.flush()
    if any(not name.strip() for name in body.columns):
        body.problems.append(DataProblem(path.name, "a key that is empty", "Name it: keys are the names of columns."))
    odd = body.refuse_odd()
    columns, notes = _columns(body)
    if text.note:
        notes.append(f"{path.name}: {text.note}")
    raw = RawTable(
        file=path.name,
        columns=HeldColumns(columns),
        lines=np.array(body.lines, dtype=np.int64),
        items=np.array(body.items, dtype=np.int64),
        digest=text.digest,
        problems=tuple(sorted(body.problems, key=lambda problem: problem.item)),
        notes=tuple(notes),
    )
    raw.keep(~np.isin(np.arange(raw.num_rows), odd))
    return raw


def _by_line(text: TextFile) -> Iterator[tuple[int, object]]:
    """Yield what stands on each line that is not blank."""
    for number, line in enumerate(text.lines(), 1):
        if UNREADABLE.search(line):
            yield number, _Wrong(NO_TEXT, ENCODING_REMEDY)
        elif line.strip():
            yield number, _parse(line)


def _list_of(text: TextFile) -> Iterable[tuple[int, object]]:
    """Return the records of a file that is one list."""
    limit = memory_bytes() // MEMORY_PER_BYTE
    content = "".join(itertools.islice(_until(text.lines(), limit), None))
    if len(content) >= limit:
        found = f"a list of more than {limit:,} characters, which is too much to be read at once"
        raise DataError([DataProblem(text.path.name, found, "Write it as JSON Lines: a record on each line.")])
    records = _parse(content)
    if isinstance(records, _Wrong):
        raise DataError([DataProblem(text.path.name, records.reason, "Mend it; what is expected is a list of records.")])
    assert isinstance(records, list)
    return enumerate(records, 1)


def _until(lines: Iterable[str], limit: int) -> Iterator[str]:
    """Yield lines up to a number of characters."""
    count = 0
    for line in lines:
        yield line
        count += len(line)
        if count >= limit:
            return


def _parse(text: str) -> object:
    """Read JSON, or say what is wrong with it."""
    try:
        parsed: object = json.loads(text, object_pairs_hook=without_twins)
    except json.JSONDecodeError as error:
        return _Wrong(f"not JSON ({error.msg.rstrip('.')}, at character {error.colno} of line {error.lineno})")
    except RecursionError:
        return _Wrong("JSON that is nested too deeply")
    except ValueError as error:
        return _Wrong(f"JSON that cannot be read ({str(error).split(';')[0][:80]})")
    if HALF.search(text):
        try:
            json.dumps(parsed, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return _Wrong("half of a surrogate pair (\\ud800 to \\udfff), which is no text")
    return parsed


def _as_array(values: list[Any]) -> pa.Array:
    """Return a piece of a column: truth values, whole numbers, numbers, or else text."""
    kinds = {type(value) for value in values} - {type(None)}
    if kinds <= {bool}:
        return pa.array(values, pa.bool_() if kinds else pa.null())
    if kinds <= {int} and all(value is None or -BIG <= value < BIG for value in values):
        return pa.array(values, pa.int64())
    if kinds <= {int, float}:
        return pa.array([None if value is None else _as_float(value) for value in values], pa.float64())
    return pa.array([value if value is None or isinstance(value, str) else json.dumps(value) for value in values], pa.string())


def _as_float(value: float) -> float:
    """Return a number as float64; one beyond its range is infinite, which is told of later. NaN is kept."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _columns(body: _Body) -> tuple[dict[str, pa.ChunkedArray], list[str]]:
    """Put the pieces of each column together, and tell what was left out or brought to text."""
    made: dict[str, pa.ChunkedArray] = {}
    notes: list[str] = []
    for name, column in body.columns.items():
        if column.nested:
            notes.append(f"{body.file}: column {name} holds lists or records ({len(column.nested):,} x): left out")
            continue
        kinds = {piece.type for piece in column.pieces} - {pa.null()}
        type_ = _common(kinds)
        if len(kinds) > 1 and type_ == pa.string():
            notes.append(f"{body.file}: column {name} holds values of several kinds: read as text")
        cells = pa.chunked_array([piece.cast(type_) for piece in column.pieces], type=type_)
        made[name] = _finished(cells)
    return made, notes


def _common(kinds: set[pa.DataType]) -> pa.DataType:
    """Return the type to which pieces of some types are brought."""
    if len(kinds) <= 1:
        return next(iter(kinds), pa.string())
    return pa.float64() if kinds == {pa.int64(), pa.float64()} else pa.string()


def _finished(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as tables have them: NaN is missing, and text that is a date throughout is one."""
    if pa.types.is_floating(cells.type):
        return pc.if_else(pc.is_nan(cells), pa.scalar(None, cells.type), cells)
    if not pa.types.is_string(cells.type) or cells.null_count == len(cells):
        return cells
    if not pc.all(pc.match_substring_regex(cells, ISO_LIKE)).as_py():
        return cells
    dates = read_dates(cells, ISO)
    return dates.cast(DATE) if dates.null_count == cells.null_count else cells


def _say_kind(value: object) -> str:
    """Name what a JSON value is."""
    if isinstance(value, list):
        return f"a list of {len(value):,} values"
    return {str: "a text", bool: "a truth value", type(None): "null"}.get(type(value), "a number")
