"""What all prepared rows can do: say how many there are, and give some of them as a compact batch.

What `take` returns is compact (bytes of pixels, token numbers, pieces of unequal length one after another); turning it into
what a model takes (padding, masks, normalizing) belongs to the preprocessing's `finisher`.
"""

from typing import Protocol

import numpy as np
from torch import Tensor

__all__ = ["Rows"]


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
        """Return the rows at int64 [B], in that order, as compact tensors on the CPU."""
