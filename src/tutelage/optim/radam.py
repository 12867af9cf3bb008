"""RAdam: Adam that holds back its adaptive steps until their variance is known; little need of warm-up.

Try it where `adamw` is unstable at the start. Its first five steps are plain momentum steps: clip large gradients.

Source: "On the Variance of the Adaptive Learning Rate and Beyond", Liu et al. 2019, arXiv 1908.03265, algorithm 2.
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

__all__ = ["RAdam"]


class RAdam(Optim):
    """Adam with rectified variance."""

    kind: Literal["radam"] = "radam"
    rule: ClassVar[str] = (
        "m, v as in Adam;  w = w - lr r m^ / (sqrt v^ + eps), r rising to 1;  w = w - lr m^ while v has seen few gradients"
    )
    lr: float = Field(1e-3, gt=0, le=1e38, description="Learning rate at the height of the schedule. Typical: 1e-4 to 1e-2.")
    beta1: float = Field(0.9, ge=0, lt=1, description="Fraction of the mean gradient kept at each step.")
    beta2: float = Field(0.999, ge=0, lt=1, description="Fraction of the mean squared gradient kept at each step.")
    eps: float = Field(1e-8, gt=0, le=1, description="Added to the root of the squared gradient, against division by 0.")
    weight_decay: float = Field(
        0.0,
        ge=0,
        le=1000,
        description="Fraction of each weight removed at each step, times the learning rate. Typical: 0 to 0.1.",
    )

    def build(self, parameters: Sequence[NamedParameter]) -> Optimizer:
        """Return the optimizer over these parameters."""
        return torch.optim.RAdam(
            decay_groups(parameters, learning_rate=self.lr, weight_decay=self.weight_decay),
            lr=self.lr,
            betas=(self.beta1, self.beta2),
            eps=self.eps,
            foreach=True,
            capturable=is_on_card(parameters),
            decoupled_weight_decay=True,
        )
