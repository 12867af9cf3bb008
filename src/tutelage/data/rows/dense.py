"""Rows of equal size, each tensor [N, ...] in memory or mapped from a file."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

__all__ = ["DenseRows"]


class DenseRows:
    """Tensors whose first dimension is the row."""

    def __init__(self, tensors: Mapping[str, Tensor], *, is_on_disk: bool = False) -> None:
        """Hold tensors by name, first dimension N each; `is_on_disk` where they are mapped from a file."""
        self.tensors = dict(tensors)
        self.lengths: np.ndarray | None = None
        self.is_on_disk = is_on_disk

    def __len__(self) -> int:
        return len(next(iter(self.tensors.values())))

    def take(self, rows: Tensor) -> dict[str, Tensor]:
        """Return each tensor's rows."""
        return {name: tensor.index_select(0, rows) for name, tensor in self.tensors.items()}
