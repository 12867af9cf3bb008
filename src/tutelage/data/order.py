"""The order of samples: a pure function of (seed, position), so there is nothing to save but one number.

Epoch follows epoch without a seam: a batch at the end of one is filled from the next, so every batch has the same size
(static shapes), every sample is seen exactly once per epoch, and none is dropped or counted with another weight.
"""

import torch
from torch import Tensor

from tutelage.core.seeds import derive

__all__ = ["Order"]


class Order:
    """An endless shuffled sequence over `num_rows` rows."""

    def __init__(self, num_rows: int, *, seed: int) -> None:
        """Prepare the order of the first epoch."""
        self.num_rows = num_rows
        self.seed = seed
        self._epoch = -1
        self._permutation = torch.empty(0, dtype=torch.int64)

    def rows(self, start: int, count: int) -> Tensor:
        """Return int64 [count]: the rows at positions `start` to `start + count - 1` of the endless sequence."""
        pieces = []
        while count:
            epoch, offset = divmod(start, self.num_rows)
            piece = self._shuffled(epoch)[offset : offset + count]
            pieces.append(piece)
            start += len(piece)
            count -= len(piece)
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces)

    def _shuffled(self, epoch: int) -> Tensor:
        """Return an epoch's permutation; the last one asked for is kept."""
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(derive(self.seed, "order", epoch))
            self._permutation = torch.randperm(self.num_rows, generator=generator)
            self._epoch = epoch
        return self._permutation
