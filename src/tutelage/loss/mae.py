"""Absolute error: its best answer is the median, so outliers hardly matter; slower to settle than squared error.

loss = |output - target|, in units of the standardized target, >= 0.
"""

from typing import ClassVar, Literal

from torch import Tensor

from tutelage.loss.base import Loss, LossFunction
from tutelage.loss.shape import one_number

__all__ = ["AbsoluteError"]


class AbsoluteError(Loss):
    """Absolute error of one output."""

    kind: Literal["mae"] = "mae"
    answers: ClassVar[str] = "numbers"

    def build(self) -> LossFunction:
        """Return (outputs_B1, target_B) -> loss_B."""

        def loss(outputs_BO: Tensor, target_B: Tensor) -> Tensor:
            output_B, wanted_B = one_number(outputs_BO, target_B)
            return (output_B - wanted_B).abs()

        return loss

    def worked(self, outputs_1O: Tensor, target_1: Tensor) -> str:
        """Write the formula with the numbers of one sample."""
        output, target, value = float(outputs_1O.flatten()[0]), float(target_1[0]), float(self.build()(outputs_1O, target_1)[0])
        return f"|output - target| = |{output:.4g} - ({target:.4g})| = {value:.4g}"
