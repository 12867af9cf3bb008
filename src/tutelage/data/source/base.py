"""What every source gives: parts of a data set, and everything wrong with them at once.

A part is rows with a common meaning (train, test, or input to predict on). It is light: image files are named, not
decoded; tables are read. `locate` names a row as the user knows it, for messages and for the report's worst mistakes.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from tutelage.core.errors import Problem
from tutelage.core.spec import Component

__all__ = ["ArrayPart", "Collected", "ImagePart", "Part", "Source", "TablePart"]


@dataclass(frozen=True)
class ImagePart:
    """Images, as files to decode or as pixels, with their labels.

    Attributes:
        name: `train`, `test` or `input`.
        files: One path per image; empty where `pixels` is given.
        pixels: uint8 [N, H, W, C] in 0..255, C = 1 or 3, or None where `files` is given.
        labels: One label per image (str or number), or None where there are none.
        names: One name per image as people know it, such as `cats/cat.17.jpg` or `image 17`.
        fingerprint: Hash of names, content and labels; a copied folder has the same.
    """

    name: str
    files: tuple[Path, ...]
    pixels: np.ndarray | None
    labels: np.ndarray | None
    names: tuple[str, ...]
    fingerprint: str

    def __len__(self) -> int:
        return len(self.names)

    def locate(self, index: int) -> str:
        """Name one image."""
        return self.names[index]

    def select(self, indices: np.ndarray) -> "ImagePart":
        """Return the images at `indices`, in that order."""
        return replace(
            self,
            files=tuple(self.files[i] for i in indices) if self.files else (),
            pixels=None if self.pixels is None else self.pixels[indices],
            labels=None if self.labels is None else self.labels[indices],
            names=tuple(self.names[i] for i in indices),
            fingerprint=_select_fingerprint(self.fingerprint, indices),
        )


@dataclass(frozen=True)
class TablePart:
    """A table as read, the target column still in it.

    Attributes:
        name: `train`, `test` or `input`.
        table: The columns, as read: numbers, strings, booleans, dates; null where missing.
        file: Where it was read, for messages; such as `train.csv`.
        lines: Line or row number of each row in its file, from 1, for messages.
        target: Name of the target column, or "" where there is none.
        fingerprint: Hash of the content.
    """

    name: str
    table: pa.Table
    file: str
    lines: np.ndarray
    target: str
    fingerprint: str

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def labels(self) -> np.ndarray | None:
        """The target column as an object array (None where a cell is missing), or None where there is no target."""
        if not self.target or self.target not in self.table.column_names:
            return None
        return np.array(self.table.column(self.target).to_pylist(), dtype=object)

    def locate(self, index: int) -> str:
        """Name one row."""
        return f"{self.file} row {self.lines[index]}"

    def select(self, indices: np.ndarray) -> "TablePart":
        """Return the rows at `indices`, in that order."""
        return replace(
            self,
            table=self.table.take(pa.array(indices)),
            lines=self.lines[indices],
            fingerprint=_select_fingerprint(self.fingerprint, indices),
        )


@dataclass(frozen=True)
class ArrayPart:
    """Arrays given from Python, passed to the model as they are.

    Attributes:
        name: `train`, `test` or `input`.
        inputs: [N, ...] of any number type.
        labels: [N] or None.
        fingerprint: Hash of the content.
    """

    name: str
    inputs: np.ndarray
    labels: np.ndarray | None
    fingerprint: str

    def __len__(self) -> int:
        return len(self.inputs)

    def locate(self, index: int) -> str:
        """Name one row."""
        return f"row {index}"

    def select(self, indices: np.ndarray) -> "ArrayPart":
        """Return the rows at `indices`, in that order."""
        return replace(
            self,
            inputs=self.inputs[indices],
            labels=None if self.labels is None else self.labels[indices],
            fingerprint=_select_fingerprint(self.fingerprint, indices),
        )


Part = ImagePart | TablePart | ArrayPart


@dataclass(frozen=True)
class Collected:
    """A data set as found: its parts, and all that is wrong with it.

    Attributes:
        name: Short name for people and for the run folder, such as `cats-dogs`.
        train: Rows to learn from (a validation split is cut from them later).
        test: Rows opened once, at the end; None where the source has none.
        problems: Every bad item found; where `item >= 0` the item is also absent from `train` and `test`.
        notes: Things to tell that need no action, such as the target that was picked and why.
        warnings: Things the user should look at.
    """

    name: str
    train: Part
    test: Part | None = None
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())


class Source(Component):
    """A kind of data set on disk or in memory.

    Subclasses also implement `recognizes`, which tells from a look at the path whether they can read it.
    """

    family: ClassVar[str] = "source"

    path: str = Field("", description="Folder or file to read, or the name of a bundled set.")
    target: str = Field("auto", description="Column to predict, in a table; auto picks it and says why.")
    test: str = Field("", description="Another path that holds the test part; empty where the source has its own, or none.")
    on_bad_data: Literal["fail", "skip"] = Field("fail", description="Refuse bad items, or leave them out and list them.")

    @classmethod
    def recognizes(cls, path: str) -> bool:
        """Tell whether this source reads `path`, from names alone or the first bytes."""
        raise NotImplementedError

    def collect(self) -> Collected:
        """Read everything needed for training; problems are gathered, not raised.

        Raises:
            UsageError: The path does not exist or is not of this kind at all.
            DataError: Nothing can be read at all (an empty folder, a table without rows).
        """
        raise NotImplementedError

    def read_input(self, paths: Sequence[str]) -> tuple[Part, tuple[Problem, ...]]:
        """Read rows to predict on or to evaluate; labels are there where the files have them."""
        raise NotImplementedError


def _select_fingerprint(fingerprint: str, indices: np.ndarray) -> str:
    """Return the hash of a selection."""
    return hashlib.sha256(fingerprint.encode() + np.ascontiguousarray(indices, dtype=np.int64).tobytes()).hexdigest()
