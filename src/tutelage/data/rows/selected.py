"""Some of other rows, in any order, without a copy of them: what splitting a large set needs."""

import numpy as np
import torch
from torch import Tensor

from tutelage.data.rows.base import Rows

__all__ = ["SelectedRows"]


class SelectedRows:
    """The rows of others at some numbers."""

    def __init__(self, rows: Rows, numbers: np.ndarray) -> None:
        """Show `rows` at int64 [N], in that order."""
        self.lengths = None if rows.lengths is None else rows.lengths[numbers]
        self.is_on_disk = rows.is_on_disk
        self._rows = rows
        self._numbers = torch.from_numpy(np.ascontiguousarray(numbers, dtype=np.int64))

    def __len__(self) -> int:
        return len(self._numbers)

    def take(self, rows: Tensor) -> dict[str, Tensor]:
        """Return the rows at int64 [B] of those chosen."""
        return self._rows.take(self._numbers.index_select(0, rows))
