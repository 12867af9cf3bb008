"""Rows of unequal length, such as texts: all values in one flat array, in memory or mapped from a file, and where each begins.

A row costs what it holds, and nothing for being shorter than another. `data/prepare/padding.py` makes batches of equal length.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tutelage.data.rows.base import LENGTH, PLACE
from tutelage.data.rows.mapped import is_mapped

__all__ = ["Pieces", "RaggedRows", "join"]


@dataclass(frozen=True)
class Pieces:
    """Pieces one after another.

    Attributes:
        values: [L, ...], all of them; may be memory-mapped.
        offsets: int64 [N + 1], where each begins; the last one is L.
    """

    values: np.ndarray
    offsets: np.ndarray


class RaggedRows:
    """Pieces by name, one piece of each name a row."""

    def __init__(self, pieces: Mapping[str, Pieces]) -> None:
        """Hold pieces by name, N of each; where there are several names, a row is as long as its longest piece."""
        counts = {len(each.offsets) - 1 for each in pieces.values()}
        assert len(counts) == 1, f"as many pieces of each name, not {sorted(counts)}"
        assert all(each.offsets[0] == 0 and each.offsets[-1] == len(each.values) for each in pieces.values())
        self.is_on_disk = any(is_mapped(each.values) for each in pieces.values())
        self.lengths: np.ndarray | None = np.max([np.diff(each.offsets) for each in pieces.values()], axis=0)
        self._pieces = {name: Pieces(np.asarray(each.values), np.asarray(each.offsets)) for name, each in pieces.items()}
        self._count = counts.pop()

    def __len__(self) -> int:
        return self._count

    def take(self, rows: Tensor) -> dict[str, Tensor]:
        """Return for each name its pieces, their lengths and places; see `tutelage.data.rows.base`."""
        numbers = rows.numpy()
        batch: dict[str, Tensor] = {}
        for name, pieces in self._pieces.items():
            begins, ends = pieces.offsets[numbers], pieces.offsets[numbers + 1]
            chosen = [pieces.values[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]
            lengths = (ends - begins).astype(np.int64)
            batch[name] = torch.from_numpy(np.concatenate([pieces.values[:0], *chosen]))
            batch[name + LENGTH] = torch.from_numpy(lengths)
            batch[name + PLACE] = torch.arange(int(lengths.max(initial=0)))
        return batch


def join(pieces: Sequence[np.ndarray]) -> Pieces:
    """Return at least one piece, [length, ...] each, as one flat array.

    Example:
        >>> join([np.array([1, 2]), np.array([3])]).offsets.tolist()
        [0, 2, 3]
    """
    offsets = np.zeros(len(pieces) + 1, dtype=np.int64)
    np.cumsum([len(piece) for piece in pieces], out=offsets[1:])
    return Pieces(np.concatenate(list(pieces)), offsets)
