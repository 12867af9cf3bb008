"""Rows whose tensors come from several places, such as the columns of a table and its texts."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from tutelage.data.rows.base import Rows

__all__ = ["MergedRows"]


class MergedRows:
    """Rows side by side; a row is as long as its longest part that has a length."""

    def __init__(self, parts: Sequence[Rows]) -> None:
        """Hold at least one, N rows each, with names of their own."""
        assert len({len(part) for part in parts}) == 1, "as many rows in each"
        known = [part.lengths for part in parts if part.lengths is not None]
        self.lengths: np.ndarray | None = np.max(known, axis=0) if known else None
        self.is_on_disk = any(part.is_on_disk for part in parts)
        self._parts = tuple(parts)

    def __len__(self) -> int:
        return len(self._parts[0])

    def take(self, rows: Tensor) -> dict[str, Tensor]:
        """Return the tensors of all parts."""
        return {name: tensor for part in self._parts for name, tensor in part.take(rows).items()}
