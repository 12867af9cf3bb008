"""What every optimizer is here: settings that build a torch optimizer over named parameters.

Each parameter group carries `initial_lr`; the step multiplies it with the schedule's factor. The state of the built
optimizer must live in `optimizer.state[parameter]` as tensors and plain numbers, so that it can be saved by name.
"""

from collections.abc import Sequence
from typing import ClassVar

from torch import nn
from torch.optim import Optimizer

from tutelage.core.spec import Component
from tutelage.optim.moved import Moved

__all__ = ["NamedParameter", "Optim"]

NamedParameter = tuple[str, nn.Parameter]


class Optim(Component):
    """An optimizer and its settings."""

    family: ClassVar[str] = "optim"
    rule: ClassVar[str] = ""
    """How one weight is updated, as a formula; "" where there is no short one."""

    def build(self, parameters: Sequence[NamedParameter]) -> Optimizer:
        """Return the optimizer over these parameters, with fused or foreach kernels where torch has them."""
        raise NotImplementedError

    def worked(self, moved: Moved) -> tuple[str, ...]:
        """Write the rule with the numbers of one weight, a sum a line; () where only the outcome is told."""
        return ()
