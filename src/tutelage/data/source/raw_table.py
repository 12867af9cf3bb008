"""A table as its file has it: what every reader of tables gives, before types are found."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from tutelage.core.errors import Problem

__all__ = ["RawTable"]


@dataclass(frozen=True)
class RawTable:
    """A table as its file has it, before anything is read into its cells.

    Attributes:
        file: Name of the file, for messages.
        table: The rows that are sound; text columns for a text file, typed ones for Parquet and Arrow.
        lines: Line (text) or row number (others) of each row, from 1.
        items: Position of each row among all rows of the file, unsound ones included.
        delimiter: What divides the cells of a text file, all of whose cells are text still; "" for typed files.
        digest: Hash of the content of the file.
        problems: Unsound rows and names.
        notes: What is worth telling.
    """

    file: str
    table: pa.Table
    lines: np.ndarray
    items: np.ndarray
    delimiter: str = ""
    digest: str = ""
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    def keep(self, mask: np.ndarray) -> "RawTable":
        """Return the rows where a boolean mask is true."""
        if mask.all():
            return self
        kept = self.table.filter(pa.array(mask))
        return replace(self, table=kept, lines=self.lines[mask], items=self.items[mask])

    def select(self, names: Sequence[str]) -> "RawTable":
        """Return some of the columns, in that order."""
        return replace(self, table=self.table.select(list(names)))
