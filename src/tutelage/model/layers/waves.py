"""A vector as itself and as sines along random directions, so that a network sees differences that are small beside its whole.

Source: M. Tancik et al., "Fourier Features Let Networks Learn High Frequency Functions in Low Dimensional Domains", 2020,
arXiv 2006.10739, section 4. Differs from the paper: the vector itself is kept, and the directions are learned on.

Shape letters: B rows, N numbers, Q frequencies.
"""

import math

import torch
from torch import Tensor, nn

__all__ = ["Waves"]


class Waves(nn.Module):
    """x -> [x, sin(2 pi x W), cos(2 pi x W)].

    Attributes:
        size: Numbers that come out, N + 2 Q.
    """

    keeps_own_init = True
    role = "input"

    def __init__(self, num_inputs: int, *, num_frequencies: int, scale: float) -> None:
        """Draw the directions.

        Args:
            num_inputs: N.
            num_frequencies: Q.
            scale: Deviation of the starting frequencies, in periods per unit along a random direction.
        """
        super().__init__()
        self.size = num_inputs + 2 * num_frequencies
        # Divided by the root of N: a row of N numbers of deviation 1 goes through as many periods whatever N is.
        self.weight = nn.Parameter(torch.randn(num_inputs, num_frequencies) * scale / math.sqrt(num_inputs))

    def forward(self, x: Tensor) -> Tensor:
        """Return [B, N + 2 Q]."""
        x_BN = x.flatten(1) if x.is_floating_point() else x.flatten(1).float()
        angle_BQ = 2 * math.pi * x_BN @ self.weight
        return torch.cat([x_BN, angle_BQ.sin(), angle_BQ.cos()], dim=1)
