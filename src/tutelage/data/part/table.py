"""A table as it was read, the target column still in it."""

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.csv import WriteOptions, write_csv

from tutelage.data.part.base import RowsPart, select_fingerprint
from tutelage.data.part.packed import type_of, unpack
from tutelage.data.part.row_digest import chance_of_pair, digest_rows

__all__ = ["TablePart", "MixedPart", "column_labels"]

CHANCE_ROWS = 10_000
"""Rows from which it is estimated how often rows are equal by chance."""
MOSTLY_DISTINCT = 0.5
"""Share of different numbers from which on they are measured so finely that two things never have the same."""
CHANCE_LENGTH = 40
"""Characters, on average, from which on texts are never equal by chance."""


class TablePart(RowsPart):
    """A table as read, the target column still in it.

    Parts that were selected from one table share its memory: they hold the numbers of their rows, and take the cells of a
    column when it is asked for. Long columns are packed. So ask for one `column` after the other, not for the `table`.

    Attributes:
        name: `train`, `test` or `input`.
        file: Where it was read, for messages; such as `train.csv`.
        target: Name of the target column, or "" where there is none.
        fingerprint: Hash of the content.
        dates: How the dates of columns are written in the file: `iso`, or a format of `strptime`.
    """

    kind: ClassVar[str] = "table"
    suits: ClassVar[str] = "table"

    def __init__(
        self,
        name: str,
        table: pa.Table,
        file: str,
        lines: np.ndarray,
        target: str,
        fingerprint: str,
        dates: Mapping[str, str] | None = None,
    ) -> None:
        """Hold a table.

        Args:
            name: `train`, `test` or `input`.
            table: The columns, as read: numbers, strings, booleans, dates; null where missing; packed or not.
            file: Where it was read.
            lines: Line or row number of each row in its file, from 1.
            target: Name of the target column, or "".
            fingerprint: Hash of the content.
            dates: How dates are written, by column.
        """
        self.name = name
        self.file = file
        self.target = target
        self.fingerprint = fingerprint
        self.dates = dict(dates or {})
        self._sheet = _Sheet(table, lines, target)
        self._rows: np.ndarray | None = None
        self._narrower: dict[frozenset[str], TablePart] = {}

    def __len__(self) -> int:
        return int(self._sheet.table.num_rows) if self._rows is None else len(self._rows)

    @property
    def table(self) -> pa.Table:
        """All columns of these rows; of selected rows and of long tables a copy at each access."""
        return pa.table({name: self.column(name) for name in self.columns})

    @property
    def lines(self) -> np.ndarray:
        """Line or row number of each row in its file, from 1."""
        return self._sheet.lines if self._rows is None else self._sheet.lines[self._rows]

    @cached_property
    def labels(self) -> np.ndarray | None:  # type: ignore[override]
        """The target column: numbers or truth values where none is missing, else objects (None where one is).

        None where there is no target.
        """
        if not self.target or self.target not in self.columns:
            return None
        return self._sheet.labels if self._rows is None else self._sheet.labels[self._rows]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, the target among them."""
        return tuple(self._sheet.table.column_names)

    @cached_property
    def types(self) -> dict[str, pa.DataType]:
        """Type of each column; kept, since of a wide table each column is asked for by itself."""
        return {field.name: type_of(field.type) for field in self._sheet.table.schema}

    def column(self, name: str) -> pa.ChunkedArray:
        """Return the cells of a column."""
        cells = self._sheet.table.column(name)
        if self._rows is None:
            return unpack(cells)
        if self._is_rising:
            # Arrow filters piece by piece, and takes from one long copy.
            mask = np.zeros(len(cells), dtype=bool)
            mask[self._rows] = True
            return unpack(cells.filter(pa.array(mask)))
        return unpack(cells.take(pa.array(self._rows)))

    def locate(self, index: int) -> str:
        """Name one row."""
        return f"{self.file} row {self._sheet.lines[self._row(index)]}"

    def select(self, indices: np.ndarray) -> "TablePart":
        """Return the rows at `indices`, in that order; nothing is copied but their numbers."""
        rows = np.asarray(indices) if self._rows is None else self._rows[indices]
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        made = self.marked(select_fingerprint(self.fingerprint, indices))
        made._rows = rows.astype(np.int32 if self._sheet.table.num_rows < 2**31 else np.int64)
        return made

    def renamed(self, name: str) -> "TablePart":
        """Return the same rows under another name."""
        made = copy(self)
        made.name = name
        return made

    def marked(self, fingerprint: str) -> "TablePart":
        """Return the same rows with another hash."""
        made = copy(self)
        for cached in ("labels", "_is_rising", "_digests"):
            made.__dict__.pop(cached, None)
        made._narrower = {}
        made.fingerprint = fingerprint
        return made

    def show(self, index: int) -> dict[str, Any]:
        """Return the cells of a row by column."""
        cells = self._sheet.table.slice(self._row(index), 1).to_pylist()[0]
        plain = {key: value if isinstance(value, int | float | str | bool | None) else str(value) for key, value in cells.items()}
        return {"row": plain}

    def row_digests(self) -> np.ndarray | None:
        """Return a hash of each row without its target, uint64 [N]; whole and other numbers of the same value are equal."""
        return self._digests

    @cached_property
    def _digests(self) -> np.ndarray:
        features = (name for name in self.columns if name != self.target)
        return digest_rows(((name, self.column(name)) for name in features), num_rows=len(self))

    def without(self, columns: Collection[str]) -> "TablePart":
        """Return the same rows without some columns."""
        left_out = frozenset(columns) & frozenset(self.columns)
        if not left_out:
            return self
        if left_out not in self._narrower:
            made = self.marked(self.fingerprint)
            made._sheet = _Sheet(self._sheet.table.drop_columns(sorted(left_out)), self._sheet.lines, self.target)
            self._narrower[left_out] = made
        return self._narrower[left_out]

    def with_dates(self, name: str, form: str) -> "TablePart | None":
        """Return the same rows with a column of dates read in another way; None where some of them cannot be read so."""
        cells = self.column(name)
        text = pc.strftime(cells.cast(pa.timestamp("s"), safe=False), format=self.dates[name])
        dates = pc.strptime(text, format=form, unit="us", error_is_null=True)
        if (
            dates.null_count != cells.null_count
            or not pc.all(pc.equal(pc.strftime(dates.cast(pa.timestamp("s")), format=form), text)).as_py()
        ):
            return None
        columns = {other: self.column(other) for other in self.columns} | {name: dates}
        digest = select_fingerprint(self.fingerprint, np.frombuffer(form.encode(), dtype=np.uint8))
        return TablePart(self.name, pa.table(columns), self.file, self.lines, self.target, digest, {**self.dates, name: form})

    def unlabelled(self) -> "TablePart":
        """Return the same rows, the target a column like the others."""
        if not self.target:
            return self
        made = self.marked(self.fingerprint)
        made.target = ""
        return made

    def making(self) -> tuple[str, Mapping[str, Any]]:
        """Return the preprocessing that can be undone."""
        return "made_table", {}

    def csv(self, labels: Sequence[Any] = ()) -> str:
        """Return the rows as text; dates as they were written in the file that was learned from, missing cells empty."""
        columns = {name: written(self.column(name), form=self.dates.get(name, "")) for name in self.columns}
        if labels:
            columns[self.target or "label"] = pa.array(list(labels))
        buffer = pa.BufferOutputStream()
        write_csv(pa.table(columns), buffer, WriteOptions(quoting_style="needed"))
        return str(buffer.getvalue().to_pybytes(), "utf-8")

    def chance_of_equal(self) -> float:
        """Return how likely two rows are equal if columns have nothing to do with each other, from evenly spaced rows."""
        chance, sample = 1.0, self.select(np.unique(np.linspace(0, len(self) - 1, CHANCE_ROWS).astype(np.int64)))
        for name in self.columns:
            if name != self.target and chance:
                cells = sample.column(name).combine_chunks()
                if pa.types.is_nested(cells.type):
                    return 0.0
                is_text = pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)
                if is_text and (pc.mean(pc.utf8_length(cells)).as_py() or 0) > CHANCE_LENGTH:
                    return 0.0
                counts = pc.value_counts(cells).field("counts").to_numpy()
                if pa.types.is_floating(cells.type) and len(counts) >= MOSTLY_DISTINCT * len(cells):
                    return 0.0
                chance *= chance_of_pair(counts)
        return chance

    @cached_property
    def _is_rising(self) -> bool:
        """Whether the rows stand in the order of the file, each at most once."""
        return self._rows is None or bool((np.diff(self._rows) > 0).all())

    def _row(self, index: int) -> int:
        """Return the place of a row in the whole table."""
        return int(index if self._rows is None else self._rows[index])


class MixedPart(TablePart):
    """A table in which one column holds texts, to be learned from beside the others.

    Attributes:
        text_column: Its name.
    """

    kind: ClassVar[str] = "mixed_table"
    suits: ClassVar[str] = "mixed_table"

    def __init__(self, part: TablePart, text_column: str) -> None:
        """Take over the rows of a table, which share its memory."""
        self.__dict__.update(part.marked(part.fingerprint).__dict__)
        self.text_column = text_column


def written(column: pa.ChunkedArray, *, form: str) -> pa.ChunkedArray:
    """Return dates as text in the form in which a file has them (`iso`, or a format of `strptime`); other cells as they are."""
    if not pa.types.is_timestamp(column.type):
        return column
    if form and form != "iso":
        return pc.strftime(column, format=form)
    days = pc.strftime(column, format="%Y-%m-%d")
    is_whole = pc.all(pc.equal(pc.floor_temporal(column, unit="day"), column)).as_py() is not False
    return days if is_whole else pc.strftime(column.cast(pa.timestamp("s"), safe=False), format="%Y-%m-%d %H:%M:%S")


class _Sheet:
    """A whole table, of which parts are selected."""

    def __init__(self, table: pa.Table, lines: np.ndarray, target: str) -> None:
        self.table = table
        self.lines = lines
        self._target = target

    @cached_property
    def labels(self) -> np.ndarray:
        """The target column of all rows."""
        return column_labels(self.table.column(self._target))


def column_labels(column: pa.ChunkedArray) -> np.ndarray:
    """Return a column as labels, [N]: plain numbers or truth values where none is missing, else objects, None where one is.

    Equal objects are one object, so that the names of a few classes cost no more memory than numbers would.
    """
    kind = type_of(column.type)
    is_plain = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    if is_plain and not column.null_count:
        numbers: np.ndarray = unpack(column).to_numpy()
        return numbers
    coded = column.combine_chunks().dictionary_encode()
    known = coded.dictionary.to_pylist()
    values = np.empty(len(known) + 1, dtype=object)
    values[:-1] = known
    values[-1] = None
    labels: np.ndarray = values[coded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)]
    return labels
