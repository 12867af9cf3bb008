"""What every augmentation is: a function of a whole batch and a generator, run on the training device."""

from typing import ClassVar

import torch
from torch import Tensor

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Grid
from tutelage.core.spec import Component

__all__ = ["Augment"]


class Augment(Component):
    """Random changes that keep the meaning of a batch, made anew for every batch."""

    family: ClassVar[str] = "augment"

    def suits(self, shape: Shape) -> bool:
        """Tell whether it can change what a model of this shape receives; most augmentations change pictures."""
        return shape.view(Grid) is not None

    def apply(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """Return the batch with its inputs changed, each row by itself.

        Args:
            batch: Finished inputs (images as normalized float [B, C, H, W], channels-last), `target`, `weight`.
            generator: The only source of randomness; seeded from (run seed, step), on the CPU. Draw through
                `tutelage.data.augment.draw`, which knows what to do where several processes share a batch.
        """
        raise NotImplementedError
