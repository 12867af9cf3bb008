"""Layers of a parameter-sharing ensemble: M members use the same large weights and differ by small ones.

Each member scales the inputs in its own way and has its own output layer; the weights between are shared. The members
make different mistakes, so their mean is better than one network, at a fraction of an ensemble's size.

Source: TabM: Advancing Tabular Deep Learning with Parameter-Efficient Ensembling, 2024, arXiv 2410.24210 (TabM-mini).
Differs from the paper: none.

Legend: B rows, M members, D inputs, O outputs.
"""

import math

import torch
from torch import Tensor, nn

__all__ = ["MemberHead", "MemberInput"]


class MemberInput(nn.Module):
    """Gives each member its own view of the inputs: [B, D] -> [B, M, D], scaled by weights that start as random signs.

    Args:
        num_members: M.
        size: D.
    """

    def __init__(self, num_members: int, *, size: int) -> None:
        super().__init__()
        self.size = size
        # Flat, so that optimizers treat the scales as a vector: without weight decay, never orthogonalized.
        self.scale = nn.Parameter(torch.randint(0, 2, (num_members * size,)).float().mul_(2).sub_(1))

    def forward(self, x_BD: Tensor) -> Tensor:
        """Return [B, M, D]."""
        return x_BD.unsqueeze(1) * self.scale.view(-1, self.size)


class MemberHead(nn.Module):
    """One output layer per member: [B, M, D] -> [B, M, O].

    Args:
        num_members: M.
        size: D.
        num_outputs: O.
    """

    def __init__(self, num_members: int, *, size: int, num_outputs: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(size)
        self.weight = nn.Parameter(torch.empty(num_members, size, num_outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(num_members * num_outputs).uniform_(-bound, bound))

    def forward(self, x_BMD: Tensor) -> Tensor:
        """Return [B, M, O]."""
        return torch.einsum("bmd,mdo->bmo", x_BMD, self.weight) + self.bias.view(len(self.weight), -1)
