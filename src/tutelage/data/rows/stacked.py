"""Rows of two sets, one below the other, such as labelled rows and further ones without labels."""

import numpy as np
import torch
from torch import Tensor

from tutelage.data.rows.base import LENGTH, PLACE, Rows

__all__ = ["StackedRows"]


class StackedRows:
    """The rows of one set, and those of another after them; both have the same tensors."""

    def __init__(self, first: Rows, second: Rows) -> None:
        """Hold both."""
        self._first, self._second = first, second
        self.is_on_disk = first.is_on_disk or second.is_on_disk
        self.lengths: np.ndarray | None = None
        if first.lengths is not None and second.lengths is not None:
            self.lengths = np.concatenate([first.lengths, second.lengths])

    def __len__(self) -> int:
        return len(self._first) + len(self._second)

    def take(self, rows: Tensor) -> dict[str, Tensor]:
        """Return the rows at int64 [B]."""
        is_first_B = rows < len(self._first)
        if is_first_B.all():
            return self._first.take(rows)
        if not is_first_B.any():
            return self._second.take(rows - len(self._first))
        one, other = self._first.take(rows[is_first_B]), self._second.take(rows[~is_first_B] - len(self._first))
        # Where each row of both, one after the other, is to stand.
        order_B = torch.cat([is_first_B.nonzero()[:, 0], (~is_first_B).nonzero()[:, 0]]).argsort()
        taken: dict[str, Tensor] = {}
        for name in one:
            if name.endswith(PLACE) and name.removesuffix(PLACE) + LENGTH in one:
                taken[name] = max(one[name], other[name], key=len)
            elif name + LENGTH in one:
                pieces = [piece for batch in (one, other) for piece in torch.split(batch[name], batch[name + LENGTH].tolist())]
                taken[name] = torch.cat([pieces[place] for place in order_B.tolist()])
            else:
                taken[name] = torch.cat([one[name], other[name]])[order_B]
        return taken
