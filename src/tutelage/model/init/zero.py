"""Zero initialization: every weight is 0, right for linear models (a convex problem needs no random start).

Do not use it for nets with hidden layers: all units of a layer would get the same gradient, most of them none.
"""

from typing import Literal

import torch
from torch import Tensor

from tutelage.model.init.base import Init

__all__ = ["Zero"]


class Zero(Init):
    """All weights exactly 0; the generator is not used."""

    kind: Literal["zero"] = "zero"

    def fill(self, weight: Tensor, generator: torch.Generator) -> None:
        """Fill one weight in place."""
        weight.zero_()
