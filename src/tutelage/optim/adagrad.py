"""AdaGrad: steps shrink with the sum of all squared gradients so far; for sparse features and convex problems.

Its steps only ever get smaller, so in long training of deep nets it comes to a halt: take `adamw` there.

Source: "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", Duchi et al. 2011, figure 1.
Differs from the paper: none.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch.optim import Optimizer

from tutelage.optim.base import NamedParameter, Optim
from tutelage.optim.fused import can_fuse, is_on_card
from tutelage.optim.groups import decay_groups

__all__ = ["Adagrad"]


class Adagrad(Optim):
    """Steps divided by the root of the summed squared gradients."""

    kind: Literal["adagrad"] = "adagrad"
    rule: ClassVar[str] = "s = s + g^2;  w = w - lr g / (sqrt s + eps)"
    lr: float = Field(0.01, gt=0, le=1e38, description="Learning rate at the height of the schedule. Typical: 1e-3 to 0.1.")
    initial_sum: float = Field(0.0, ge=0, le=1e6, description="Starting value of the sum of squared gradients.")
    eps: float = Field(1e-10, gt=0, le=1, description="Added to the root of the squared gradient, against division by 0.")
    weight_decay: float = Field(
        0.0, ge=0, le=1000, description="L2 penalty, as a factor on the weight added to its gradient. Typical: 0 to 1e-3."
    )

    def build(self, parameters: Sequence[NamedParameter]) -> Optimizer:
        """Return the optimizer over these parameters."""
        return torch.optim.Adagrad(
            decay_groups(parameters, learning_rate=self.lr, weight_decay=self.weight_decay),
            lr=self.lr,
            initial_accumulator_value=self.initial_sum,
            eps=self.eps,
            fused=can_fuse(parameters) and not is_on_card(parameters),
        )
