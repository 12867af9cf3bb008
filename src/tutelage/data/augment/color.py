"""Random brightness, contrast and tint: image * contrast + brightness + tint, one pass over the batch.

When to use it: photos taken in different light. Amounts are in standard deviations of the normalized pixels.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from tutelage.data.augment.base import Augment
from tutelage.data.augment.draw import draw_uniform

__all__ = ["Color"]


class Color(Augment):
    """How far light and colors change; every amount is drawn anew for each image."""

    kind: Literal["color"] = "color"
    brightness: float = Field(0.3, ge=0, le=100, description="Largest change added to all pixels, in standard deviations.")
    contrast: float = Field(0.2, ge=0, lt=1, description="Largest relative change of contrast.")
    tint: float = Field(0.15, ge=0, le=100, description="Largest change added to each channel by itself, in standard deviations.")

    def apply(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """Return the batch with `image` [B, C, H, W] recolored."""
        image_BCHW = batch["image"]
        contrast_B = draw_uniform(image_BCHW, generator, low=1 - self.contrast, high=1 + self.contrast)
        offset_BC = draw_uniform(image_BCHW, generator, low=-self.brightness, high=self.brightness)[:, None]
        if image_BCHW.shape[1] > 1:
            tints = [draw_uniform(image_BCHW, generator, low=-self.tint, high=self.tint) for _ in range(image_BCHW.shape[1])]
            offset_BC = offset_BC + torch.stack(tints, dim=1)
        offset_BC11 = offset_BC[:, :, None, None].to(image_BCHW.dtype)
        contrast_B111 = contrast_B[:, None, None, None].to(image_BCHW.dtype)
        return batch | {"image": torch.addcmul(offset_BC11, image_BCHW, contrast_B111)}
