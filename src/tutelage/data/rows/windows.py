"""Windows of one length over a long run of tokens, such as a text: each token is stored once, however many windows show it."""

import numpy as np
import torch
from torch import Tensor

from tutelage.data.rows.mapped import is_mapped

__all__ = ["WindowRows"]


class WindowRows:
    """Windows that begin at every `stride`-th token; what is left at the end and fills no window is not shown."""

    def __init__(self, tokens: np.ndarray, *, length: int, stride: int) -> None:
        """Hold the tokens.

        Args:
            tokens: Whole numbers [L], of any integer type; may be memory-mapped.
            length: Tokens in a window.
            stride: Tokens from the beginning of one window to that of the next.
        """
        self.is_on_disk = is_mapped(tokens)
        self.lengths: np.ndarray | None = None
        self._tokens = np.asarray(tokens)
        self._length = length
        self._stride = stride

    def __len__(self) -> int:
        return max(0, (len(self._tokens) - self._length) // self._stride + 1)

    def take(self, rows: Tensor) -> dict[str, Tensor]:
        """Return `token` int64 [B, length]."""
        places = rows.numpy()[:, None] * self._stride + np.arange(self._length)
        return {"token": torch.from_numpy(self._tokens[places].astype(np.int64))}
