"""Adam: each weight has its own step size, from running means of its gradient and of the gradient's square.

Works almost anywhere without tuning. Its weight decay is an L2 penalty, which adaptive steps distort: `adamw` does that better.

Source: "Adam: A Method for Stochastic Optimization", Kingma and Ba 2014, arXiv 1412.6980, algorithm 1.
Differs from the paper: none.
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

__all__ = ["Adam"]


class Adam(Optim):
    """Adaptive moments with bias correction."""

    kind: Literal["adam"] = "adam"
    rule: ClassVar[str] = "m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  w = w - lr m^ / (sqrt v^ + eps)"
    lr: float = Field(1e-3, gt=0, le=1e38, description="Learning rate at the height of the schedule. Typical: 1e-4 to 1e-2.")
    beta1: float = Field(0.9, ge=0, lt=1, description="Fraction of the mean gradient kept at each step.")
    beta2: float = Field(0.999, ge=0, lt=1, description="Fraction of the mean squared gradient kept at each step.")
    eps: float = Field(1e-8, gt=0, le=1, description="Added to the root of the squared gradient, against division by 0.")
    weight_decay: float = Field(
        0.0, ge=0, le=1000, description="L2 penalty, as a factor on the weight added to its gradient. Typical: 0 to 1e-3."
    )

    def build(self, parameters: Sequence[NamedParameter]) -> Optimizer:
        """Return the optimizer over these parameters."""
        return QuickAdam(
            decay_groups(parameters, learning_rate=self.lr, weight_decay=self.weight_decay),
            lr=self.lr,
            betas=(self.beta1, self.beta2),
            eps=self.eps,
            fused=can_fuse(parameters),
        )

    def worked(self, moved: Moved) -> tuple[str, ...]:
        """Write both moments and the step of one weight."""
        return adam_sums(moved, is_decoupled=False)
