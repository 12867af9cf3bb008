"""The usual changes of photos: zoom, stretch, turn, shift, mirror image, light and color.

When to use it: color or grey photos of 32 pixels and more.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from tutelage.data.augment.affine import Affine
from tutelage.data.augment.base import Augment
from tutelage.data.augment.color import Color

__all__ = ["Photo"]


class Photo(Augment):
    """Geometry by one resampling, then light and color by one pass."""

    kind: Literal["photo"] = "photo"
    geometry: Affine = Field(Affine(), description="Zoom, stretch, turn, shift and mirror image.")
    light: Color = Field(Color(), description="Brightness, contrast and tint.")

    def apply(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """Return the batch with `image` [B, C, H, W] changed."""
        return self.light.apply(self.geometry.apply(batch, generator), generator)
