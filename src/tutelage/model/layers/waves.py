"""Numbers beside the sines of their learned mixtures, so that a network tells apart what lies close together."""

import math

import torch
from torch import Tensor, nn

__all__ = ["Waves"]


class Waves(nn.Module):
    """x -> [x, sin(2 pi x W), cos(2 pi x W)] with learned W, float32 [D, Q].

    Source: M. Tancik et al., "Fourier Features Let Networks Learn High Frequency Functions in Low Dimensional Domains", 2020,
    arXiv 2006.10739, equation 5. Differs from the paper: frequencies are learned too, and the numbers stay beside the sines.

    Args:
        size: D.
        num_frequencies: Q.
        scale: Standard deviation of the starting frequencies, in periods per unit of a standardized number.
    """

    keeps_own_init = True
    role = "input"

    def __init__(self, size: int, *, num_frequencies: int, scale: float) -> None:
        super().__init__()
        # Of many numbers each gets less, so that a mixture changes as fast as one number alone would.
        self.frequency = nn.Parameter(scale * torch.randn(size, num_frequencies) * (2 / max(size, 2)) ** 0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Return float32 [B, D + 2 Q]."""
        x_BD = x.flatten(1).float()
        angle_BQ = 2 * math.pi * x_BD @ self.frequency
        return torch.cat([x_BD, angle_BQ.sin(), angle_BQ.cos()], dim=1)
