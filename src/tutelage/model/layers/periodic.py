"""Learned periodic embeddings: each number becomes several sines and cosines, mixed to a short vector.

A plain network finds it hard to learn functions of one number that change fast; sines of learned frequency make it easy.

Legend: B rows, F numbers, Q frequencies a number, E embedding size, K = 2Q + 1.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

__all__ = ["PeriodicEmbedding"]


class PeriodicEmbedding(nn.Module):
    """x -> ReLU(Linear([sin(2 pi c x), cos(2 pi c x), x])) with frequencies c and weights of its own for each number.

    Frequencies and biases are stored flat: optimizers then treat them as vectors, without weight decay.

    Source: On Embeddings for Numerical Features in Tabular Deep Learning, 2022, arXiv 2203.05556, equations 2 and 3 (PLR).
    Differs from the paper: the number itself is mixed in beside its sines, so that a straight line stays easy to learn.

    Args:
        num_features: F.
        num_frequencies: Q, of each number.
        size: E.
        frequency_scale: Standard deviation of the starting frequencies, in periods per unit of the scaled number.
    """

    keeps_own_init = True
    role = "input"

    def __init__(self, num_features: int, *, num_frequencies: int, size: int, frequency_scale: float) -> None:
        super().__init__()
        self.num_features = num_features
        # Frequencies far out on the normal distribution give noise, not signal: they are drawn within 3 standard deviations.
        frequency = nn.init.trunc_normal_(torch.empty(num_features * num_frequencies), std=1.0, a=-3.0, b=3.0)
        self.frequency = nn.Parameter(frequency * frequency_scale)
        bound = 1 / math.sqrt(2 * num_frequencies + 1)
        self.weight = nn.Parameter(torch.empty(num_features, 2 * num_frequencies + 1, size).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(num_features * size).uniform_(-bound, bound))

    def names(self, entries: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
        """Name what each entry of the vector stands for; () where nothing is known of the numbers."""
        return self._each(entries, len(self.bias) // self.num_features)

    def named_places(self, entries: Mapping[str, tuple[str, ...]]) -> dict[str, dict[int, tuple[str, ...]]]:
        """Name the numbers that weights are of, as in `model/named.py`."""
        numbers = self._each(entries, 1)
        if not numbers:
            return {}
        frequencies = self._each(entries, len(self.frequency) // self.num_features)
        return {"frequency": {0: frequencies}, "weight": {0: numbers}, "bias": {0: self.names(entries)}}

    def _each(self, entries: Mapping[str, tuple[str, ...]], size: int) -> tuple[str, ...]:
        """Return `size` names for each number."""
        numbers = entries.get("number", ())
        is_known = len(numbers) == self.num_features
        return tuple(f"{name} {place}" for name in numbers for place in range(size)) if is_known else ()

    def forward(self, number_BF: Tensor) -> Tensor:
        """Return [B, F * E]."""
        number_FB1 = number_BF.T.unsqueeze(-1)
        angle_FBQ = 2 * math.pi * self.frequency.view(self.num_features, 1, -1) * number_FB1
        sines_FBK = torch.cat([angle_FBQ.sin(), angle_FBQ.cos(), number_FB1], dim=-1)
        bias_F1E = self.bias.view(self.num_features, 1, -1)
        return torch.baddbmm(bias_F1E, sines_FBK, self.weight).relu().transpose(0, 1).flatten(1)
