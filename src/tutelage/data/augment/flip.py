"""Random mirror images: left-right (or upside down) with a given probability.

When to use it: photos. Not for letters, digits, traffic signs: their mirror image means something else.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from tutelage.data.augment.base import Augment
from tutelage.data.augment.draw import draw_uniform

__all__ = ["Flip"]


class Flip(Augment):
    """Mirror each image of the batch or not."""

    kind: Literal["flip"] = "flip"
    renamed: ClassVar[dict[str, str]] = {"share": "probability"}
    probability: float = Field(0.5, ge=0, le=1, description="Probability that an image is mirrored.")
    direction: Literal["horizontal", "vertical"] = Field("horizontal", description="Left-right, or upside down.")

    def apply(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """Return the batch with `image` [B, C, H, W] mirrored in part."""
        image_BCHW = batch["image"]
        is_flipped_B = draw_uniform(image_BCHW, generator) < self.probability
        flipped_BCHW = image_BCHW.flip(3 if self.direction == "horizontal" else 2)
        return batch | {"image": torch.where(is_flipped_B[:, None, None, None], flipped_BCHW, image_BCHW)}
