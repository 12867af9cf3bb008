"""Orthogonal initialization: each weight keeps lengths and angles, so very deep and recurrent nets start stable.

Use it for recurrent nets, for policies in reinforcement learning and for deep plain stacks; it costs one QR decomposition
per layer.

Source: "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks",
Saxe et al. 2013, arXiv 1312.6120.
Differs from the paper: convolutions are flattened to [out, in * kernel] first, as is usual.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from tutelage.model.init.base import Init

__all__ = ["Orthogonal"]


class Orthogonal(Init):
    """A random matrix with orthonormal rows or columns, whichever are fewer, times a gain."""

    kind: Literal["orthogonal"] = "orthogonal"
    gain: float = Field(1.0, gt=0, le=1e6, description="Factor on the matrix: 1 for linear layers, sqrt(2) = 1.414 for ReLU.")

    def fill(self, weight: Tensor, generator: torch.Generator) -> None:
        """Fill one weight in place."""
        nn.init.orthogonal_(weight, self.gain, generator=generator)
