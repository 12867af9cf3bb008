"""Arrays given from Python, passed to the model as they are."""

import hashlib
import math
from collections.abc import Mapping
from copy import copy
from typing import Any, ClassVar

import numpy as np

from tutelage.data.part.base import RowsPart, select_fingerprint
from tutelage.data.part.row_digest import chance_of_pair

__all__ = ["ArrayPart"]

CHANCE_ROWS, CHANCE_NUMBERS = 2_000, 64
"""Rows, and numbers of a row, from which it is estimated how often rows are equal by chance."""


class ArrayPart(RowsPart):
    """Arrays given from Python, passed to the model as they are.

    They may be the user's own, so they are read and never written. Parts that were selected from one array share it, and
    hold the numbers of their rows.

    Attributes:
        name: `train`, `test` or `input`.
        labels: [N] or None.
        fingerprint: Hash of the content.
        held: The array that holds these rows, and maybe others.
        rows: int64 [N], where they are in it; None where they are all of it.
    """

    kind: ClassVar[str] = "array"
    suits: ClassVar[str] = "array"
    target: ClassVar[str] = ""  # type: ignore[misc]

    def __init__(self, name: str, inputs: np.ndarray, labels: np.ndarray | None, fingerprint: str) -> None:
        """Hold arrays: inputs [N, ...] of any number type, labels [N] or None."""
        self.name = name
        self.labels = labels
        self.fingerprint = fingerprint
        self.held = inputs
        self.rows: np.ndarray | None = None

    @property
    def inputs(self) -> np.ndarray:
        """[N, ...]; of selected rows a copy at each access."""
        return self.held if self.rows is None else self.held[self.rows]

    def __len__(self) -> int:
        return len(self.held if self.rows is None else self.rows)

    def locate(self, index: int) -> str:
        """Name one row by its number in the arrays that were given."""
        return f"row {index if self.rows is None else self.rows[index]}"

    def select(self, indices: np.ndarray) -> "ArrayPart":
        """Return the rows at `indices`, in that order; inputs are not copied."""
        made = copy(self)
        rows = np.arange(len(self.held)) if self.rows is None else self.rows
        made.rows = rows[indices]
        made.labels = None if self.labels is None else self.labels[indices]
        made.fingerprint = select_fingerprint(self.fingerprint, indices)
        return made

    def renamed(self, name: str) -> "ArrayPart":
        """Return the same rows under another name."""
        made = copy(self)
        made.name = name
        return made

    def numbers(self) -> np.ndarray:
        """Return the arrays."""
        return self.inputs

    def making(self) -> tuple[str, Mapping[str, Any]]:
        """Return that numbers are made of deviation 1: each by itself where a row is a few numbers, else as they are related."""
        return self.suits, {"standardize": "feature" if self.held.ndim <= 2 else "whole"}

    def labelled(self, labels: np.ndarray) -> "ArrayPart":
        """Return the same rows with other labels, [N]."""
        made = copy(self)
        made.labels = labels
        return made

    def chance_of_equal(self) -> float:
        """Return how likely two rows are equal if numbers have nothing to do with each other, from evenly spaced rows."""
        rows = self.select(np.unique(np.linspace(0, len(self) - 1, CHANCE_ROWS).astype(np.int64))) if len(self) else self
        flat = rows.inputs.reshape(len(rows), -1)
        places = np.unique(np.linspace(0, flat.shape[1] - 1, CHANCE_NUMBERS).astype(np.int64))
        chances = (chance_of_pair(np.unique(flat[:, place], return_counts=True)[1]) for place in places.tolist())
        return math.prod(chances)

    def row_digests(self) -> list[bytes] | None:
        """Return a hash of the bytes of each row."""
        places = range(len(self.held)) if self.rows is None else self.rows.tolist()
        return [hashlib.blake2b(self.held[place].tobytes(), digest_size=8).digest() for place in places]
