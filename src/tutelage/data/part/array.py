"""Arrays given from Python, passed to the model as they are."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from tutelage.data.part.base import RowsPart, select_fingerprint

__all__ = ["ArrayPart"]


@dataclass(frozen=True)
class ArrayPart(RowsPart):
    """Arrays given from Python, passed to the model as they are.

    Attributes:
        name: `train`, `test` or `input`.
        inputs: [N, ...] of any number type.
        labels: [N] or None.
        fingerprint: Hash of the content.
        numbers: int64 [N], the rows' numbers in the arrays as they were given; None where they count from 0.
    """

    kind: ClassVar[str] = "array"
    suits: ClassVar[str] = "array"
    target: ClassVar[str] = ""  # type: ignore[misc]
    name: str
    inputs: np.ndarray
    labels: np.ndarray | None
    fingerprint: str
    numbers: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def locate(self, index: int) -> str:
        """Name one row by its number in the arrays that were given."""
        return f"row {index if self.numbers is None else self.numbers[index]}"

    def select(self, indices: np.ndarray) -> "ArrayPart":
        """Return the rows at `indices`, in that order."""
        return replace(
            self,
            inputs=self.inputs[indices],
            labels=None if self.labels is None else self.labels[indices],
            fingerprint=select_fingerprint(self.fingerprint, indices),
            numbers=indices if self.numbers is None else self.numbers[indices],
        )

    def renamed(self, name: str) -> "ArrayPart":
        """Return the same rows under another name."""
        return replace(self, name=name)
