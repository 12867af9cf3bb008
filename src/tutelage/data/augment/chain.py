"""Several augmentations, one after another."""

from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from tutelage.core.shape.base import Shape
from tutelage.core.spec import Pick
from tutelage.data.augment.base import Augment

__all__ = ["Chain"]


class Chain(Augment):
    """Augmentations in the order in which they are made."""

    kind: Literal["chain"] = "chain"
    steps: tuple[Pick("augment"), ...] = Field((), description="Names or tables of augmentations, in order.")  # type: ignore[valid-type]

    def suits(self, shape: Shape) -> bool:
        """Tell whether every step can."""
        steps: tuple[Any, ...] = self.steps
        return all(step.suits(shape) for step in steps)

    def apply(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """Return the batch after every step."""
        step: Any
        for step in self.steps:
            batch = step.apply(batch, generator)
        return batch
