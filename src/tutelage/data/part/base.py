"""What every part is: train, test, or input to predict on, as it was read; it knows its kind, its rows and how to show them.

A part is light: image files are named, not decoded; tables are read. Whoever needs to know something about a part asks it;
nobody asks which kind it is.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa

__all__ = ["Part", "RowsPart", "select_fingerprint"]


class Part:
    """One part of a data set: rows, or an environment.

    Attributes:
        kind: The kind of data, which names the file of its defaults.
        name: `train`, `validation`, `test` or `input`.
        fingerprint: Hash of the content; a copied data set has the same.
        suits: The kind of preprocessing that suits the content; "" where there is none.
    """

    kind: ClassVar[str]
    suits: ClassVar[str] = ""
    name: str
    fingerprint: str

    @property
    def running_text(self) -> str:
        """All characters of a part that is one long text; "" for any other."""
        return ""

    def summary(self, examples: Mapping[str, Sequence[int]]) -> dict[str, Any]:
        """Return what data.json says about the content beyond its size.

        Args:
            examples: A few rows of each class, by its name; empty where there are no classes.
        """
        return {}


class RowsPart(Part):
    """A part that is made of rows.

    Attributes:
        labels: One label per row (str, number, or None where one is missing), or None where there are none at all.
        target: Name of what is to be predicted, such as a column; "" where it has none.
        notes: How rows to answer for were read, where that is worth telling.
        can_be_made: Whether a generator can learn to make such rows.
    """

    can_be_made: ClassVar[bool] = True
    notes: tuple[str, ...] = ()
    labels: np.ndarray | None
    target: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that rows are made of; () where there are none."""
        return ()

    @property
    def types(self) -> Mapping[str, pa.DataType]:
        """Type of each column; {} where there are none."""
        return {}

    def column(self, name: str) -> pa.ChunkedArray | None:
        """Return the cells of a column; None where rows are not made of columns."""
        return None

    def __len__(self) -> int:
        """Return the number of rows."""
        raise NotImplementedError

    def locate(self, index: int) -> str:
        """Name one row as the user knows it, for messages and for the report's worst mistakes."""
        raise NotImplementedError

    def select(self, indices: np.ndarray) -> Self:
        """Return the rows at `indices`, in that order."""
        raise NotImplementedError

    def joined(self, other: Self) -> Self | None:
        """Return these rows and those of another part of the same data below them; None where that cannot be done."""
        return None

    def renamed(self, name: str) -> Self:
        """Return the same rows under another name."""
        raise NotImplementedError

    def show(self, index: int) -> dict[str, Any]:
        """Return one row for the report: `png` (base64), `row` (cells by name) or `text`; {} where nothing can be shown."""
        return {}

    def sheet(self, count: int) -> bytes | None:
        """Return the first rows side by side as one PNG; None where rows are no pictures."""
        return None

    def numbers(self) -> np.ndarray | None:
        """Return all rows as numbers [N, ...], as they were read; None where they are not such."""
        return None

    def unlabelled(self) -> Self:
        """Return the same rows, their labels a column like the others; the same part where there are no columns."""
        return self

    def csv(self, labels: Sequence[Any] = ()) -> str | None:
        """Return the rows as text, one a line, below a line of names; None where they are not made of columns.

        Args:
            labels: What stands in the column of labels, where that is not among the columns; () for nothing.
        """
        return None

    def making(self) -> tuple[str, Mapping[str, Any]]:
        """Return the kind of preprocessing that suits where such rows are to be made, not judged, and its settings."""
        return self.suits, {}

    def without(self, columns: Collection[str]) -> Self:
        """Return the same rows without some of their columns."""
        return self

    def chance_of_equal(self) -> float:
        """Return how likely it is that two different things have equal rows; 0 for files and pictures, which never do."""
        return 0.0

    def row_digests(self) -> list[bytes] | np.ndarray | None:
        """Return a hash of each row's content without its label, to find equal rows; None where that is not known.

        Where there may be very many rows: uint64 [N].
        """
        return None


def select_fingerprint(fingerprint: str, indices: np.ndarray) -> str:
    """Return the hash of a selection."""
    return hashlib.sha256(fingerprint.encode() + np.ascontiguousarray(indices, dtype=np.int64).tobytes()).hexdigest()
