"""What every initialization scheme is: a rule that fills the weights of linear and convolution layers."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from tutelage.core.spec import Component

__all__ = ["Init"]


class Init(Component):
    """A scheme for the starting weights."""

    family: ClassVar[str] = "init"

    def fill(self, weight: Tensor, generator: torch.Generator) -> None:
        """Fill one weight of a linear [out, in] or convolution [out, in, kh, kw] layer in place."""
        raise NotImplementedError

    def apply(self, module: nn.Module, generator: torch.Generator) -> None:
        """Fill all linear and convolution weights and set their biases to 0.

        Modules with an attribute `keeps_own_init = True` (a zero-initialized last layer of a residual branch, learned
        embeddings) are left as they are, with everything below them.
        """
        if getattr(module, "keeps_own_init", False):
            return
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d):
            with torch.no_grad():
                self.fill(module.weight, generator)
                if module.bias is not None:
                    module.bias.zero_()
        for child in module.children():
            self.apply(child, generator)
