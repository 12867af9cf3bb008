"""Some images of a large array, without a copy of them: splitting a set must not double its memory."""

from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["ChosenPixels", "choose"]


class ChosenPixels:
    """Rows of an array, in any order, that are copied when they are asked for.

    Attributes:
        whole: uint8 [M, H, W, C], all rows.
        rows: int64 [N], which of them are meant.
    """

    def __init__(self, whole: np.ndarray, rows: np.ndarray) -> None:
        """Choose rows of an array."""
        self.whole = whole
        self.rows = rows

    @property
    def shape(self) -> tuple[int, ...]:
        """[N, H, W, C]."""
        return (len(self.rows), *self.whole.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.whole.dtype

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Any) -> np.ndarray:
        """Return one image, or some: a number, a slice, numbers, or whether each is meant."""
        return np.asarray(self.whole[self.rows[key]])

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self.whole[row] for row in self.rows)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return a copy of all of them, as numpy asks for it."""
        return np.asarray(self.whole[self.rows], dtype=dtype)


def choose(pixels: np.ndarray | ChosenPixels, rows: np.ndarray) -> ChosenPixels:
    """Return some rows of an array, or of what was chosen from one."""
    if isinstance(pixels, ChosenPixels):
        return ChosenPixels(pixels.whole, pixels.rows[rows])
    return ChosenPixels(pixels, rows)
