"""Xavier (Glorot) initialization: keeps variance through linear layers and tanh, forward and backward at once.

Use it for tanh, sigmoid and linear layers, and for attention. For ReLU take `he`: here each ReLU layer would halve the variance.

Source: "Understanding the difficulty of training deep feedforward neural networks", Glorot and Bengio 2010, eq. 16.
Differs from the paper: a gain and a normal distribution may be chosen.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from tutelage.model.init.base import Init

__all__ = ["Xavier"]


class Xavier(Init):
    """Zero-mean weights with variance gain^2 * 2 / (fan_in + fan_out)."""

    kind: Literal["xavier"] = "xavier"
    distribution: Literal["normal", "uniform"] = Field("uniform", description="Shape of the distribution.")
    gain: float = Field(1.0, gt=0, le=1e6, description="Factor on the standard deviation: 1 for linear layers, 5/3 for tanh.")

    def fill(self, weight: Tensor, generator: torch.Generator) -> None:
        """Fill one weight in place."""
        if self.distribution == "normal":
            nn.init.xavier_normal_(weight, self.gain, generator=generator)
        else:
            nn.init.xavier_uniform_(weight, self.gain, generator=generator)
