"""A table as it was read, the target column still in it."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from tutelage.data.part.base import RowsPart, select_fingerprint

__all__ = ["TablePart"]


@dataclass(frozen=True)
class TablePart(RowsPart):
    """A table as read, the target column still in it.

    Attributes:
        name: `train`, `test` or `input`.
        table: The columns, as read: numbers, strings, booleans, dates; null where missing.
        file: Where it was read, for messages; such as `train.csv`.
        lines: Line or row number of each row in its file, from 1, for messages.
        target: Name of the target column, or "" where there is none.
        fingerprint: Hash of the content.
    """

    kind: ClassVar[str] = "table"
    suits: ClassVar[str] = "table"
    name: str
    table: pa.Table
    file: str
    lines: np.ndarray
    target: str
    fingerprint: str

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def labels(self) -> np.ndarray | None:  # type: ignore[override]
        """The target column as an object array (None where a cell is missing), or None where there is no target."""
        if not self.target or self.target not in self.table.column_names:
            return None
        return np.array(self.table.column(self.target).to_pylist(), dtype=object)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, the target among them."""
        return tuple(self.table.column_names)

    def locate(self, index: int) -> str:
        """Name one row."""
        return f"{self.file} row {self.lines[index]}"

    def select(self, indices: np.ndarray) -> "TablePart":
        """Return the rows at `indices`, in that order."""
        return replace(
            self,
            table=self.table.take(pa.array(indices)),
            lines=self.lines[indices],
            fingerprint=select_fingerprint(self.fingerprint, indices),
        )

    def renamed(self, name: str) -> "TablePart":
        """Return the same rows under another name."""
        return replace(self, name=name)

    def show(self, index: int) -> dict[str, Any]:
        """Return the cells of a row by column."""
        cells = self.table.slice(index, 1).to_pylist()[0]
        plain = {key: value if isinstance(value, int | float | str | bool | None) else str(value) for key, value in cells.items()}
        return {"row": plain}
