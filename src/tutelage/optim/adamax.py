"""Adamax: Adam with the largest recent gradient in place of the mean square; calm where gradients are rare but large.

Meant for embeddings and sparse gradients; elsewhere `adamw` is usually better.

Source: "Adam: A Method for Stochastic Optimization", Kingma and Ba 2014, arXiv 1412.6980, algorithm 2.
Differs from the paper: none.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch.optim import Optimizer

from tutelage.optim.base import NamedParameter, Optim
from tutelage.optim.fused import is_on_card
from tutelage.optim.groups import decay_groups

__all__ = ["Adamax"]


class Adamax(Optim):
    """Adam with the infinity norm."""

    kind: Literal["adamax"] = "adamax"
    rule: ClassVar[str] = "m = b1 m + (1 - b1) g;  u = max(b2 u, |g|);  w = w - lr m^ / u"
    lr: float = Field(2e-3, gt=0, le=1e38, description="Learning rate at the height of the schedule. Typical: 1e-4 to 1e-2.")
    beta1: float = Field(0.9, ge=0, lt=1, description="Fraction of the mean gradient kept at each step.")
    beta2: float = Field(0.999, ge=0, lt=1, description="Fraction of the mean squared gradient kept at each step.")
    eps: float = Field(1e-8, gt=0, le=1, description="Added to the root of the squared gradient, against division by 0.")
    weight_decay: float = Field(
        0.0, ge=0, le=1000, description="L2 penalty, as a factor on the weight added to its gradient. Typical: 0 to 1e-3."
    )

    def build(self, parameters: Sequence[NamedParameter]) -> Optimizer:
        """Return the optimizer over these parameters."""
        return torch.optim.Adamax(
            decay_groups(parameters, learning_rate=self.lr, weight_decay=self.weight_decay),
            lr=self.lr,
            betas=(self.beta1, self.beta2),
            eps=self.eps,
            foreach=True,
            capturable=is_on_card(parameters),
        )
