"""He initialization: keeps the variance of activations through layers with rectifiers (ReLU and its kin).

Use it where hidden layers use ReLU, leaky ReLU or GELU. For tanh and linear layers take `xavier`.

Source: "Delving Deep into Rectifiers", He et al. 2015, arXiv 1502.01852, eq. 10 (forward) and 14 (backward).
Differs from the paper: none.
"""

import math
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from tutelage.model.init.base import Init

__all__ = ["He"]


class He(Init):
    """Zero-mean weights with variance 2 / ((1 + slope^2) * fan)."""

    kind: Literal["he"] = "he"
    fan: Literal["in", "out"] = Field("in", description="Preserve the variance of activations (in) or of gradients (out).")
    distribution: Literal["normal", "uniform"] = Field("normal", description="Shape of the distribution.")
    negative_slope: float = Field(
        0.0, ge=0, le=1e6, description="Slope of the rectifier below 0: 0 for ReLU, 0.01 for leaky ReLU."
    )

    def fill(self, weight: Tensor, generator: torch.Generator) -> None:
        """Fill one weight in place."""
        fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(weight)
        std = math.sqrt(2 / ((1 + self.negative_slope**2) * (fan_in if self.fan == "in" else fan_out)))
        if self.distribution == "normal":
            nn.init.normal_(weight, 0.0, std, generator=generator)
        else:
            bound = math.sqrt(3) * std
            nn.init.uniform_(weight, -bound, bound, generator=generator)
