"""Stochastic gradient descent, with momentum and Nesterov's look-ahead: the classic for convolutional nets.

Often generalizes best on images when the learning rate is tuned; for transformers and tables take `adamw`.

Source: "On the importance of initialization and momentum in deep learning", Sutskever et al. 2013, eq. 3 and 4.
Differs from the paper: the learning rate stands outside the momentum buffer, as in torch.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch.optim import Optimizer

from tutelage.optim.base import NamedParameter, Optim
from tutelage.optim.fused import can_fuse
from tutelage.optim.groups import decay_groups
from tutelage.optim.moved import Moved

__all__ = ["SGD"]


class SGD(Optim):
    """Momentum: buffer = momentum * buffer + gradient; weight -= lr * buffer (Nesterov: lr * (gradient + momentum * buffer))."""

    kind: Literal["sgd"] = "sgd"
    rule: ClassVar[str] = (
        "g = gradient + decay w;  b = momentum b + g;  w = w - lr (g + momentum b), or w - lr b without Nesterov"
    )
    lr: float = Field(0.05, gt=0, le=1e38, description="Learning rate at the height of the schedule. Typical: 0.01 to 0.5.")
    momentum: float = Field(0.9, ge=0, lt=1, description="Fraction of the last step kept; 0 is plain gradient descent.")
    nesterov: bool = Field(True, description="Whether the gradient is taken as if one step further; nothing without momentum.")
    weight_decay: float = Field(
        5e-4, ge=0, le=1000, description="L2 penalty, as a factor on the weight added to its gradient. Typical: 0 to 1e-3."
    )

    def build(self, parameters: Sequence[NamedParameter]) -> Optimizer:
        """Return the optimizer over these parameters."""
        return torch.optim.SGD(
            decay_groups(parameters, learning_rate=self.lr, weight_decay=self.weight_decay),
            lr=self.lr,
            momentum=self.momentum,
            # Without momentum Nesterov's step is the plain one, and torch refuses the pair.
            nesterov=self.nesterov and self.momentum > 0,
            fused=can_fuse(parameters),
        )

    def worked(self, moved: Moved) -> tuple[str, ...]:
        """Write buffer and step of one weight."""
        rate, decay, momentum = (float(moved.settings[key]) for key in ("lr", "weight_decay", "momentum"))
        gradient = moved.gradient + decay * moved.weight
        sums = [f"g = {moved.gradient:.4g} + {decay:g} * {moved.weight:.4g} = {gradient:.4g}"]
        step, name = gradient, "g"
        if momentum:
            old, buffer = moved.before.get("momentum_buffer"), moved.after["momentum_buffer"]
            # The first step of all takes the gradient as it is.
            sums.append("b = g, at the first step" if old is None else f"b = {momentum:g} * {old:.4g} + g = {buffer:.4g}")
            step, name = (gradient + momentum * buffer, f"(g + {momentum:g} * b)") if self.nesterov else (buffer, "b")
        sums.append(f"w = w - {rate:.4g} * {name} = {moved.weight:.6g} - ({rate * step:.4g}) = {moved.new_weight:.6g}")
        return tuple(sums)
