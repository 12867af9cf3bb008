"""Rows with further tensors of one entry a row beside them: the target, a weight."""

from collections.abc import Mapping

import torch
from torch import Tensor

from tutelage.data.rows.base import Rows

__all__ = ["LabelledRows"]


class LabelledRows:
    """Rows and what belongs to each of them."""

    def __init__(self, rows: Rows, beside: Mapping[str, Tensor]) -> None:
        """Put tensors [N, ...] beside N rows."""
        self._rows = rows
        self._beside = dict(beside)
        self.lengths = rows.lengths
        self.is_on_disk = rows.is_on_disk

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, rows: Tensor) -> dict[str, Tensor]:
        """Return the rows at int64 [B] with what stands beside them."""
        return {**self._rows.take(rows), **{name: torch.index_select(value, 0, rows) for name, value in self._beside.items()}}
