"""Rows that are picked from tensors held once for several parts, such as an array of the user's that was split."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

__all__ = ["PickedRows"]


class PickedRows:
    """Some rows of tensors; the tensors are shared, and never written."""

    def __init__(self, tensors: Mapping[str, Tensor], rows: np.ndarray) -> None:
        """Hold tensors by name, first dimension M each, and int64 [N] the rows in use."""
        self._tensors = dict(tensors)
        self._rows = torch.from_numpy(np.ascontiguousarray(rows, dtype=np.int64))
        self.lengths: np.ndarray | None = None
        self.is_on_disk = False

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, rows: Tensor) -> dict[str, Tensor]:
        """Return the rows at int64 [B] of those in use, as copies."""
        places = self._rows.index_select(0, rows)
        return {name: tensor.index_select(0, places) for name, tensor in self._tensors.items()}
