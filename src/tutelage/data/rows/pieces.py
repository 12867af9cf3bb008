"""Overlapping pieces of a long run of tokens, for measuring: each token counts once, with half a piece before it."""

import numpy as np
import torch
from torch import Tensor

from tutelage.data.rows.mapped import is_mapped

__all__ = ["PieceRows"]


class PieceRows:
    """Pieces of `length + 1` tokens, each of which begins half a length after the one before; the last ends with the text.

    Attributes:
        tokens: All of them, [L].
        num_new: int64 [N]: how many tokens at the end of each piece are in no piece before it; of the first piece, all but the
            token that nothing stands before.
    """

    def __init__(self, tokens: np.ndarray, *, length: int) -> None:
        """Hold the tokens.

        Args:
            tokens: Whole numbers [L], of any integer type; may be memory-mapped.
            length: Tokens that are predicted in a piece.
        """
        self.is_on_disk = is_mapped(tokens)
        self.lengths: np.ndarray | None = None
        self.tokens = np.asarray(tokens)
        self._offsets = np.arange(length + 1)
        last = len(tokens) - length - 1
        starts = np.arange(0, last + 1, max(1, length // 2))
        self._starts = np.append(starts, last) if len(starts) and starts[-1] < last else starts
        ends = self._starts + length
        self.num_new = np.diff(ends, prepend=0).astype(np.int64)

    def __len__(self) -> int:
        return len(self._starts)

    def take(self, rows: Tensor) -> dict[str, Tensor]:
        """Return `token` int64 [B, length + 1]."""
        places = self._starts[rows.numpy()][:, None] + self._offsets
        return {"token": torch.from_numpy(self.tokens[places].astype(np.int64))}
