"""NAdam: Adam with Nesterov's look-ahead; often a little faster at the start of training than Adam.

Try it where `adamw` learns slowly.

Source: "Incorporating Nesterov Momentum into Adam", Dozat 2016, algorithm 8.
Differs from the paper: weight decay is apart from the gradient, as in AdamW.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch.optim import Optimizer

from tutelage.optim.base import NamedParameter, Optim
from tutelage.optim.fused import is_on_card
from tutelage.optim.groups import decay_groups

__all__ = ["NAdam"]


class NAdam(Optim):
    """Adam with Nesterov momentum."""

    kind: Literal["nadam"] = "nadam"
    rule: ClassVar[str] = (
        "m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  w = w - lr (b1 m + (1 - b1) g)^ / (sqrt v^ + eps)  (Nesterov)"
    )
    lr: float = Field(2e-3, gt=0, le=1e38, description="Learning rate at the height of the schedule. Typical: 1e-4 to 1e-2.")
    beta1: float = Field(0.9, ge=0, lt=1, description="Fraction of the mean gradient kept at each step.")
    beta2: float = Field(0.999, ge=0, lt=1, description="Fraction of the mean squared gradient kept at each step.")
    momentum_decay: float = Field(4e-3, ge=0, le=1, description="How fast momentum approaches beta1.")
    eps: float = Field(1e-8, gt=0, le=1, description="Added to the root of the squared gradient, against division by 0.")
    weight_decay: float = Field(
        0.0,
        ge=0,
        le=1000,
        description="Fraction of each weight removed at each step, times the learning rate. Typical: 0 to 0.1.",
    )

    def build(self, parameters: Sequence[NamedParameter]) -> Optimizer:
        """Return the optimizer over these parameters."""
        return torch.optim.NAdam(
            decay_groups(parameters, learning_rate=self.lr, weight_decay=self.weight_decay),
            lr=self.lr,
            betas=(self.beta1, self.beta2),
            eps=self.eps,
            foreach=True,
            capturable=is_on_card(parameters),
            momentum_decay=self.momentum_decay,
            decoupled_weight_decay=True,
        )
