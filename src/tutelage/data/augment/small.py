"""The usual changes of small images: a shift by whole pixels, and mirror images where they keep their meaning.

When to use it: images below 32 pixels. Set `flip` to 0 for letters and digits.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from tutelage.data.augment.base import Augment
from tutelage.data.augment.flip import Flip
from tutelage.data.augment.shift import Shift

__all__ = ["Small"]


class Small(Augment):
    """Mirror image, then shift."""

    kind: Literal["small"] = "small"
    flip: float = Field(0.5, ge=0, le=1, description="Probability of a left-right mirror image; 0 for letters and digits.")
    shift: int = Field(1, ge=0, le=1024, description="Largest shift in pixels.")

    def apply(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """Return the batch with `image` [B, C, H, W] changed."""
        if self.flip:
            batch = Flip(probability=self.flip).apply(batch, generator)
        return Shift(pixels=self.shift).apply(batch, generator) if self.shift else batch
