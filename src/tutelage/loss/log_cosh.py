"""Log-cosh loss: like Huber, squared for small errors and absolute for large ones, with all derivatives smooth.

loss = log(cosh(output - target)), in units of the standardized target, >= 0.
"""

from typing import ClassVar, Literal

import torch
from torch import Tensor

from tutelage.loss.base import Loss, LossFunction
from tutelage.loss.shape import one_number

__all__ = ["LogCosh"]


class LogCosh(Loss):
    """Logarithm of the hyperbolic cosine of the error of one output."""

    kind: Literal["log_cosh"] = "log_cosh"
    answers: ClassVar[str] = "numbers"

    def build(self) -> LossFunction:
        """Return (outputs_B1, target_B) -> loss_B."""

        def loss(outputs_BO: Tensor, target_B: Tensor) -> Tensor:
            output_B, wanted_B = one_number(outputs_BO, target_B)
            size_B = (output_B - wanted_B).abs()
            # cosh itself overflows from 89 on in float32; this form never does, and keeps its digits near 0.
            return size_B + torch.log1p(torch.expm1(-2 * size_B) / 2)

        return loss

    def worked(self, outputs_1O: Tensor, target_1: Tensor) -> str:
        """Write the formula with the numbers of one sample."""
        error, value = float(outputs_1O.flatten()[0] - target_1[0]), float(self.build()(outputs_1O, target_1)[0])
        return f"ln cosh(output - target) = ln cosh({error:.4g}) = {value:.4g}"
