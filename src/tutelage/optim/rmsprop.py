"""RMSprop: steps divided by a running root mean square of the gradient; long the choice in reinforcement learning.

For new work `adamw` is usually better.

Source: "Lecture 6.5: rmsprop", Tieleman and Hinton 2012; centered: "Generating Sequences", Graves 2013,
arXiv 1308.0850, eq. 38 to 45.
Differs from the sources: none.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch.optim import Optimizer

from tutelage.optim.base import NamedParameter, Optim
from tutelage.optim.fused import is_on_card
from tutelage.optim.groups import decay_groups

__all__ = ["RMSprop"]


class RMSprop(Optim):
    """Gradient divided by its running root mean square."""

    kind: Literal["rmsprop"] = "rmsprop"
    rule: ClassVar[str] = "v = alpha v + (1 - alpha) g^2;  w = w - lr g / (sqrt v + eps)"
    lr: float = Field(1e-3, gt=0, le=1e38, description="Learning rate at the height of the schedule. Typical: 1e-4 to 1e-2.")
    alpha: float = Field(0.99, ge=0, lt=1, description="Fraction of the mean squared gradient kept at each step.")
    momentum: float = Field(0.0, ge=0, lt=1, description="Fraction of the last step kept.")
    centered: bool = Field(False, description="Whether the mean gradient is subtracted: divides by the standard deviation.")
    eps: float = Field(1e-8, gt=0, le=1, description="Added to the root of the squared gradient, against division by 0.")
    weight_decay: float = Field(
        0.0, ge=0, le=1000, description="L2 penalty, as a factor on the weight added to its gradient. Typical: 0 to 1e-3."
    )

    def build(self, parameters: Sequence[NamedParameter]) -> Optimizer:
        """Return the optimizer over these parameters."""
        return torch.optim.RMSprop(
            decay_groups(parameters, learning_rate=self.lr, weight_decay=self.weight_decay),
            lr=self.lr,
            alpha=self.alpha,
            momentum=self.momentum,
            centered=self.centered,
            eps=self.eps,
            foreach=True,
            capturable=is_on_card(parameters),
        )
