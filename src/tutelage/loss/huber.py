"""Huber loss: squared error for small errors, absolute error for large ones; robust and still smooth.

loss = e^2 / 2 where |e| <= delta, else delta * (|e| - delta / 2); e = output - target in units of the standardized target.

Source: "Robust Estimation of a Location Parameter", Huber 1964, eq. 1.10.
Differs from the paper: none.
"""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from tutelage.loss.base import Loss, LossFunction
from tutelage.loss.shape import one_number

__all__ = ["Huber"]


class Huber(Loss):
    """Huber loss of one output."""

    kind: Literal["huber"] = "huber"
    answers: ClassVar[str] = "numbers"
    delta: float = Field(
        1.0, gt=0, le=1e6, description="Error from which on growth is linear, in standard deviations of the target."
    )

    def build(self) -> LossFunction:
        """Return (outputs_B1, target_B) -> loss_B."""
        delta = self.delta

        def loss(outputs_BO: Tensor, target_B: Tensor) -> Tensor:
            output_B, wanted_B = one_number(outputs_BO, target_B)
            return F.huber_loss(output_B, wanted_B, reduction="none", delta=delta)

        return loss

    def worked(self, outputs_1O: Tensor, target_1: Tensor) -> str:
        """Write the formula with the numbers of one sample."""
        error, value = float(outputs_1O.flatten()[0] - target_1[0]), float(self.build()(outputs_1O, target_1)[0])
        if abs(error) <= self.delta:
            return f"|error| {abs(error):.4g} <= {self.delta:g}, so error^2 / 2 = {value:.4g}"
        return f"|error| {abs(error):.4g} > {self.delta:g}, so {self.delta:g} * (|error| - {self.delta / 2:g}) = {value:.4g}"
