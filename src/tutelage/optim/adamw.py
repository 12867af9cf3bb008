"""AdamW: Adam with weight decay apart from the gradient; the safe choice for transformers, tables and most else.

Take `sgd` where a convolutional net has time for a tuned learning rate.

Source: "Decoupled Weight Decay Regularization", Loshchilov and Hutter 2017, arXiv 1711.05101, algorithm 2.
Differs from the paper: decay is multiplied by the learning rate, as in torch.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field
from torch.optim import Optimizer

from tutelage.optim.base import NamedParameter, Optim
from tutelage.optim.fused import can_fuse
from tutelage.optim.groups import decay_groups
from tutelage.optim.moved import Moved
from tutelage.optim.quick_adam import QuickAdam
from tutelage.optim.worked import adam_sums

__all__ = ["AdamW"]


class AdamW(Optim):
    """Adam whose weight decay shrinks the weights directly."""

    kind: Literal["adamw"] = "adamw"
    rule: ClassVar[str] = "m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  w = (1 - lr decay) w - lr m^ / (sqrt v^ + eps)"
    lr: float = Field(1e-3, gt=0, le=1e38, description="Learning rate at the height of the schedule. Typical: 1e-4 to 1e-2.")
    beta1: float = Field(0.9, ge=0, lt=1, description="Fraction of the mean gradient kept at each step.")
    beta2: float = Field(0.999, ge=0, lt=1, description="Fraction of the mean squared gradient kept at each step.")
    eps: float = Field(1e-8, gt=0, le=1, description="Added to the root of the squared gradient, against division by 0.")
    weight_decay: float = Field(
        0.01,
        ge=0,
        le=1000,
        description="Fraction of each weight removed at each step, times the learning rate. Typical: 0 to 0.1.",
    )

    def build(self, parameters: Sequence[NamedParameter]) -> Optimizer:
        """Return the optimizer over these parameters."""
        return QuickAdam(
            decay_groups(parameters, learning_rate=self.lr, weight_decay=self.weight_decay),
            lr=self.lr,
            betas=(self.beta1, self.beta2),
            eps=self.eps,
            fused=can_fuse(parameters),
            decoupled_weight_decay=True,
        )

    def worked(self, moved: Moved) -> tuple[str, ...]:
        """Write both moments and the step of one weight."""
        return adam_sums(moved, is_decoupled=True)
