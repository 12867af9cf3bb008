"""Dropout for an ensemble with shared weights: one mask a row, used by all its members.

Drawing a mask for each of 16 members takes half of a step on a CPU; a row's members can share theirs, each still sees a
fair dropout, and a step takes little longer than without.

Legend: B rows, M members, D units.
"""

from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["SharedDropout"]


class SharedDropout(nn.Module):
    """Sets units of a row to 0 in training, the same for all members: [B, M, D] or [B, D].

    Args:
        probability: That a unit is set to 0, in [0, 1).

    Source: Dropout: A Simple Way to Prevent Neural Networks from Overfitting, 2014. Differs from the paper: the kept
    units are scaled in training rather than the weights afterwards, and members share a mask.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """Return the same shape and type."""
        if not self.training:
            return x
        mask_B1D = x.new_ones(x.shape[0], *[1] * (x.dim() - 2), x.shape[-1])
        return x * F.dropout(mask_B1D, self.probability)

    def extra_repr(self) -> str:
        """Return the probability."""
        return f"probability={self.probability:g}"
