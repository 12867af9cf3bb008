"""Category codes as vectors: one 0/1 entry per code for short lists, a learned vector for long ones.

Code 0 means "none of the known" and is a vector of zeros, so that nothing untrained enters a prediction.

Legend: B rows, K categories, S one-hot entries.
"""

import torch
from torch import Tensor, nn

__all__ = ["CategoryEncoder"]


class CategoryEncoder(nn.Module):
    """Turns codes [B, K] into one vector [B, size].

    Args:
        cardinalities: Codes of each category, 0 included.
        one_hot_limit: Categories with more codes than this get a learned vector.
        embedding_size: Length of such a vector.

    Attributes:
        size: Length of the vector of a row.
    """

    owner: Tensor
    code: Tensor
    keeps_own_init = True

    def __init__(self, cardinalities: tuple[int, ...], *, one_hot_limit: int, embedding_size: int) -> None:
        super().__init__()
        short = [k for k, cardinality in enumerate(cardinalities) if cardinality <= one_hot_limit]
        self.long = [k for k, cardinality in enumerate(cardinalities) if cardinality > one_hot_limit]
        entries = [(k, code) for k in short for code in range(1, cardinalities[k])]
        self.register_buffer("owner", torch.tensor([k for k, _ in entries], dtype=torch.int64), persistent=False)
        self.register_buffer("code", torch.tensor([code for _, code in entries], dtype=torch.int64), persistent=False)
        self.embeddings = nn.ModuleList(nn.Embedding(cardinalities[k], embedding_size, padding_idx=0) for k in self.long)
        self.size = len(entries) + embedding_size * len(self.long)

    def forward(self, category_BK: Tensor) -> Tensor:
        """Return [B, size] as float32."""
        parts = [(category_BK[:, self.owner] == self.code).float()]
        parts += [embed(category_BK[:, k]) for k, embed in zip(self.long, self.embeddings, strict=True)]
        return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]
