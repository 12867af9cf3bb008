"""Rows of equal size in numpy arrays, such as memory maps of files that are larger than the memory.

Nothing of an array is read before it is taken, and nothing is copied to make torch take it, so it may be read-only.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

__all__ = ["MappedRows", "is_mapped"]


class MappedRows:
    """Arrays whose first dimension is the row."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Hold arrays by name, first dimension N each; memory-mapped or not."""
        self.is_on_disk = any(is_mapped(array) for array in arrays.values())
        # Without the subclass of memory maps, whose every slice looks for its file.
        self._arrays = {name: np.asarray(array) for name, array in arrays.items()}
        self.lengths: np.ndarray | None = None

    def __len__(self) -> int:
        return len(next(iter(self._arrays.values())))

    def take(self, rows: Tensor) -> dict[str, Tensor]:
        """Return each array's rows, copied by this thread alone: it may run beside a training step."""
        numbers = rows.numpy()
        return {name: torch.from_numpy(array.take(numbers, axis=0)) for name, array in self._arrays.items()}


def is_mapped(array: np.ndarray) -> bool:
    """Tell whether an array is a memory map, or a view of one."""
    owner: object = array
    while isinstance(owner, np.ndarray):
        if isinstance(owner, np.memmap):
            return True
        owner = owner.base
    return False
