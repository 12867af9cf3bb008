"""Category codes as vectors: one 0/1 entry per code for short lists, a learned vector for long ones.

Code 0 means "none of the known" and is a vector of zeros, so that nothing untrained enters a prediction.

Legend: B rows, K categories, L long ones among them, S one-hot entries, E embedding size.
"""

import itertools
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["CategoryEncoder"]


class CategoryEncoder(nn.Module):
    """Turns codes [B, K] into one vector [B, size].

    The learned vectors of all long categories are stored flat: optimizers then treat them as vectors, without weight decay.

    Args:
        cardinalities: Codes of each category, 0 included.
        one_hot_limit: Categories with more codes than this get a learned vector.
        embedding_size: E.

    Attributes:
        size: S + L * E.
    """

    role = "input"
    entry_category: Tensor
    entry_code: Tensor
    long_category: Tensor
    long_offset: Tensor

    def __init__(self, cardinalities: tuple[int, ...], *, one_hot_limit: int, embedding_size: int) -> None:
        super().__init__()
        short = [k for k, cardinality in enumerate(cardinalities) if cardinality <= one_hot_limit]
        entries = [(k, code) for k in short for code in range(1, cardinalities[k])]
        long = [k for k, cardinality in enumerate(cardinalities) if cardinality > one_hot_limit]
        offsets = [0, *itertools.accumulate(cardinalities[k] for k in long)]
        self.cardinalities = tuple(cardinalities)
        self.num_long = len(long)
        self.embedding_size = embedding_size
        self.size = len(entries) + len(long) * embedding_size
        self.entries, self.long = entries, long
        self._remember(
            entry_category=[k for k, _ in entries],
            entry_code=[code for _, code in entries],
            long_category=long,
            long_offset=offsets[:-1],
        )
        if long:
            self.embedding = nn.Parameter(torch.randn(offsets[-1] * embedding_size) / embedding_size**0.5)

    def forward(self, category_BK: Tensor) -> Tensor:
        """Return float [B, size]."""
        flags_BS = (category_BK[:, self.entry_category] == self.entry_code).float()
        if not self.num_long:
            return flags_BS
        code_BL = category_BK[:, self.long_category]
        vector_BLE = F.embedding(code_BL + self.long_offset, self.embedding.view(-1, self.embedding_size))
        return torch.cat([flags_BS, (vector_BLE * (code_BL > 0).unsqueeze(-1)).flatten(1)], dim=1)

    def names(self, entries: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
        """Name what each entry of the vector stands for; () where nothing is known of the categories."""
        if not self._is_known(entries):
            return ()
        flags = tuple(entries[f"code {category}"][code] for category, code in self.entries)
        long = [entries[f"code {category}"][0] for category in self.long]
        return flags + tuple(f"{name} {place}" for name in long for place in range(self.embedding_size))

    def named_places(self, entries: Mapping[str, tuple[str, ...]]) -> dict[str, dict[int, tuple[str, ...]]]:
        """Name the learned vectors, as in `model/named.py`."""
        if not self.num_long or not self._is_known(entries):
            return {}
        values = [value for category in self.long for value in entries[f"code {category}"]]
        return {"embedding": {0: tuple(f"{value} {place}" for value in values for place in range(self.embedding_size))}}

    def _is_known(self, entries: Mapping[str, tuple[str, ...]]) -> bool:
        """Tell whether all categories have names for their codes."""
        sizes = tuple(len(entries.get(f"code {category}", ())) for category in range(len(self.cardinalities)))
        return sizes == self.cardinalities

    def _remember(self, **constants: list[int]) -> None:
        """Keep lists as tensors that follow the module to its device and are rebuilt, not saved."""
        for name, values in constants.items():
            self.register_buffer(name, torch.tensor(values, dtype=torch.int64), persistent=False)
