"""What all prepared rows can do: say how many there are, and give some of them as a compact batch.

What `take` returns is compact (bytes of pixels, token numbers, pieces of unequal length one after another); turning it into
what a model takes (padding, masks, normalizing) belongs to the preprocessing's `finisher`.

Pieces of unequal length called `token`, say, come as three tensors:

    token          all pieces, one after another
    token_length   int64 [B], how long each piece is
    token_place    int64 [T], the numbers 0 to T - 1, where T is the longest of these lengths

The shape of the third tells how far to pad. A graphics card would have to be asked for the longest length, and waited for.
"""

from typing import Protocol

import numpy as np
from torch import Tensor

__all__ = ["LENGTH", "PLACE", "Rows"]

LENGTH, PLACE = "_length", "_place"
"""What the names of lengths and places end in."""


class Rows(Protocol):
    """Prepared rows.

    Attributes:
        lengths: int64 [N]: how long each row is, where rows are of unequal length; None where all are alike.
        is_on_disk: Whether taking rows may wait for a disk, so that the next batch is worth preparing ahead.
    """

    lengths: np.ndarray | None
    is_on_disk: bool

    def __len__(self) -> int:
        """Return N."""

    def take(self, rows: Tensor) -> dict[str, Tensor]:
        """Return the rows at int64 [B], in that order, as compact tensors on the CPU that share no memory with the rows."""
