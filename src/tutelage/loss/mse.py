"""Squared error: the usual loss for numbers; its best answer is the mean, and large errors count most.

loss = (output - target)^2, in units of the standardized target, >= 0; always predicting the mean scores 1.
With heavy tails or wrong labels take `huber` or `mae`.
"""

from typing import ClassVar, Literal

from torch import Tensor

from tutelage.loss.base import Loss, LossFunction
from tutelage.loss.shape import one_number

__all__ = ["SquaredError"]


class SquaredError(Loss):
    """Squared error of one output."""

    kind: Literal["mse"] = "mse"
    answers: ClassVar[str] = "numbers"

    def build(self) -> LossFunction:
        """Return (outputs_B1, target_B) -> loss_B."""

        def loss(outputs_BO: Tensor, target_B: Tensor) -> Tensor:
            output_B, wanted_B = one_number(outputs_BO, target_B)
            return (output_B - wanted_B).square()

        return loss

    def worked(self, outputs_1O: Tensor, target_1: Tensor) -> str:
        """Write the formula with the numbers of one sample."""
        output, target, value = float(outputs_1O.flatten()[0]), float(target_1[0]), float(self.build()(outputs_1O, target_1)[0])
        return f"(output - target)^2 = ({output:.4g} - ({target:.4g}))^2 = {value:.4g}"
