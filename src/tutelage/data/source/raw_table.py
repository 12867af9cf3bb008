"""A table as its file has it: what every reader of tables gives, before types are found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from tutelage.core.errors import DataProblem
from tutelage.core.names import readable

__all__ = ["Columns", "HeldColumns", "RawTable", "numbered"]


class Columns(Protocol):
    """The cells of a table, column by column, in memory or in a file."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""

    def get(self, name: str) -> pa.ChunkedArray:
        """Return a column."""

    def row(self, index: int) -> list[Any]:
        """Return the cells of a row."""

    def release(self, name: str) -> None:
        """Let the memory of a column go."""

    def keep(self, mask: np.ndarray) -> None:
        """Leave out the rows where a boolean mask is false."""

    def choose(self, names: Mapping[str, str]) -> None:
        """Leave out all columns but some, put these in order and call them anew: old names by new ones."""


class HeldColumns:
    """Columns in memory."""

    def __init__(self, columns: Mapping[str, pa.ChunkedArray]) -> None:
        """Hold columns by name."""
        self._columns = dict(columns)
        self._names = tuple(columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self._names

    def get(self, name: str) -> pa.ChunkedArray:
        """Return a column that was not let go."""
        return self._columns[name]

    def row(self, index: int) -> list[Any]:
        """Return the cells of a row."""
        return [self._columns[name][index].as_py() for name in self._names]

    def release(self, name: str) -> None:
        """Let a column go."""
        del self._columns[name]

    def keep(self, mask: np.ndarray) -> None:
        """Leave out rows, column by column, so that never all of them are in memory twice."""
        kept = pa.array(mask)
        for name in self._names:
            self._columns[name] = self._columns[name].filter(kept)

    def choose(self, names: Mapping[str, str]) -> None:
        """Leave out and rename columns."""
        self._columns = {name: self._columns[old] for name, old in names.items()}
        self._names = tuple(names)


@dataclass
class RawTable:
    """A table as its file has it, before anything is read into its cells.

    Large tables are read column by column: whoever has read one lets it go, so that never all of them are in memory twice.

    Attributes:
        file: Name of the file, for messages.
        columns: The cells of the rows that are sound; text for a text file, typed for Parquet and Arrow.
        lines: Line (text) or row number (others) of each row, from 1.
        items: Position of each row among all rows of the file, unsound ones included.
        delimiter: What divides the cells of a text file, all of whose cells are text still; "" for typed files.
        digest: Hash of the content of the file.
        problems: Unsound rows and names.
        notes: What is worth telling.
        unread: Columns of text cells that may say numbers, dates or that nothing is there, though others have types.
        has_header: Whether its columns have names of their own.
        sample: The first rows, where its cells are text.
    """

    file: str
    columns: Columns
    lines: np.ndarray
    items: np.ndarray
    delimiter: str = ""
    digest: str = ""
    problems: tuple[DataProblem, ...] = ()
    notes: tuple[str, ...] = ()
    unread: frozenset[str] = frozenset()
    has_header: bool = True
    sample: tuple[Sequence[str], ...] = ()

    def __post_init__(self) -> None:
        """Make the name of the file, which may be in an old encoding, readable."""
        self.file = readable(self.file)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return self.columns.names

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return len(self.lines)

    def keep(self, mask: np.ndarray) -> None:
        """Leave out the rows where a boolean mask is false."""
        if not mask.all():
            self.columns.keep(mask)
            self.lines, self.items = self.lines[mask], self.items[mask]

    def select(self, names: Sequence[str]) -> None:
        """Leave out all columns but some, and put these in order."""
        self.columns.choose({name: name for name in names})


def numbered(count: int, *, first: int = 0) -> np.ndarray:
    """Return whole numbers that count up, [N], as small as they can be held."""
    return np.arange(first, first + count, dtype=np.int32 if first + count < 2**31 else np.int64)
