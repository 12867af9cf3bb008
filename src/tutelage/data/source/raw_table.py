"""A table as its file has it: what every reader of tables gives, before types are found."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tutelage.core.errors import DataProblem

__all__ = ["RawTable", "numbered"]


@dataclass
class RawTable:
    """A table as its file has it, before anything is read into its cells.

    Large tables are read column by column: whoever has read one lets it go (`release`), so that never all of them are in
    memory twice.

    Attributes:
        file: Name of the file, for messages.
        columns: The cells of the rows that are sound, by column; text for a text file, typed for Parquet and Arrow.
        lines: Line (text) or row number (others) of each row, from 1.
        items: Position of each row among all rows of the file, unsound ones included.
        delimiter: What divides the cells of a text file, all of whose cells are text still; "" for typed files.
        digest: Hash of the content of the file.
        problems: Unsound rows and names.
        notes: What is worth telling.
    """

    file: str
    columns: dict[str, pa.ChunkedArray]
    lines: np.ndarray
    items: np.ndarray
    delimiter: str = ""
    digest: str = ""
    problems: tuple[DataProblem, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.columns)

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return len(self.lines)

    def keep(self, mask: np.ndarray) -> None:
        """Leave out the rows where a boolean mask is false."""
        if mask.all():
            return
        kept = pa.array(mask)
        for name in self.names:
            self.columns[name] = self.columns[name].filter(kept)
        self.lines, self.items = self.lines[mask], self.items[mask]

    def select(self, names: Sequence[str]) -> None:
        """Leave out all columns but some, and put these in order."""
        self.columns = {name: self.columns[name] for name in names}

    def release(self, name: str) -> None:
        """Let a column go; its cells cannot be shown any more."""
        del self.columns[name]


def numbered(count: int, *, first: int = 0) -> np.ndarray:
    """Return whole numbers that count up, [N], as small as they can be held."""
    return np.arange(first, first + count, dtype=np.int32 if first + count < 2**31 else np.int64)
