"""No augmentation: every batch as it is."""

from typing import Literal

import torch
from torch import Tensor

from tutelage.core.shape.base import Shape
from tutelage.data.augment.base import Augment

__all__ = ["NoAugment"]


class NoAugment(Augment):
    """The identity."""

    kind: Literal["none"] = "none"

    def suits(self, shape: Shape) -> bool:
        """Leave anything as it is."""
        return True

    def apply(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """Return the batch itself."""
        return batch
