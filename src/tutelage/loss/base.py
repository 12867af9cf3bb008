"""What every loss is: a function from outputs and targets to one number per sample."""

from collections.abc import Callable
from typing import ClassVar

from torch import Tensor

from tutelage.core.spec import Component

__all__ = ["Loss", "LossFunction"]

LossFunction = Callable[[Tensor, Tensor], Tensor]
"""(outputs_BO, target_B) -> loss_B. Class targets are int64 class numbers; number targets are float32, standardized."""


class Loss(Component):
    """A loss and its settings."""

    family: ClassVar[str] = "loss"
    answers: ClassVar[str] = "classes"

    def count_outputs(self, num_classes: int) -> int:
        """Return how many outputs this loss wants of a model for so many classes."""
        return num_classes

    def build(self) -> LossFunction:
        """Return the function; it must be traceable by torch.compile and compute in float32 or better."""
        raise NotImplementedError

    def worked(self, outputs_1O: Tensor, target_1: Tensor) -> str:
        """Write the loss of one sample as its formula with the numbers put in; "" where only the value is told."""
        return ""
