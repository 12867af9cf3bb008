"""Quantile (pinball) loss: its best answer is a chosen quantile of the target rather than its mean.

loss = level * e where e >= 0, else (level - 1) * e; e = target - output, in units of the standardized target.
level = 0.5 is half the absolute error; 0.9 predicts what 90 % of the targets stay below.

Source: "Regression Quantiles", Koenker and Bassett 1978, Econometrica 46(1).
Differs from the paper: none.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from tutelage.loss.base import Loss, LossFunction
from tutelage.loss.shape import one_number

__all__ = ["Quantile"]


class Quantile(Loss):
    """Pinball loss of one output at one level."""

    kind: Literal["quantile"] = "quantile"
    answers: ClassVar[str] = "numbers"
    level: float = Field(0.5, gt=0, lt=1, description="Share of the targets that should lie below the prediction.")

    def build(self) -> LossFunction:
        """Return (outputs_B1, target_B) -> loss_B."""
        level = self.level

        def loss(outputs_BO: Tensor, target_B: Tensor) -> Tensor:
            output_B, wanted_B = one_number(outputs_BO, target_B)
            error_B = wanted_B - output_B
            return torch.maximum(level * error_B, (level - 1) * error_B)

        return loss

    def worked(self, outputs_1O: Tensor, target_1: Tensor) -> str:
        """Write the formula with the numbers of one sample."""
        error, value = float(target_1[0] - outputs_1O.flatten()[0]), float(self.build()(outputs_1O, target_1)[0])
        factor = self.level if error >= 0 else self.level - 1
        return f"target - output = {error:.4g}; {factor:.4g} * {error:.4g} = {value:.4g}"
