"""Random zoom, stretch, turn, shift and mirror image in one resampling of the batch.

When to use it: photos of 32 pixels and more. One `grid_sample` costs one pass however many changes are asked for, and
blurs once only.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from tutelage.data.augment.base import Augment
from tutelage.data.augment.draw import draw_uniform

__all__ = ["Affine"]


class Affine(Augment):
    """How far each image is changed; every amount is drawn anew for each image."""

    kind: Literal["affine"] = "affine"
    zoom: float = Field(0.6, gt=0, le=1, description="Smallest share of the side that is shown; 1 shows all of it.")
    stretch: float = Field(1.2, ge=1, le=10, description="Largest ratio by which one side is stretched against the other.")
    degrees: float = Field(14.0, ge=0, le=180, description="Largest turn to either side, in degrees.")
    flip: float = Field(0.5, ge=0, le=1, description="Probability of a left-right mirror image; 0 for letters and digits.")
    shift: float = Field(1.0, ge=0, le=10, description="Shift as a share of the room that zooming leaves; 1 reaches the border.")
    padding: Literal["reflection", "border", "zeros"] = Field("reflection", description="What lies outside the image.")

    def apply(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """Return the batch with `image` [B, C, H, W] resampled."""
        image_BCHW = batch["image"]
        matrices_B23 = self.draw(image_BCHW, generator)
        grid_BHW2 = F.affine_grid(matrices_B23, list(image_BCHW.shape), align_corners=False)
        sampled_BCHW = F.grid_sample(
            image_BCHW, grid_BHW2.to(image_BCHW.dtype), mode="bilinear", padding_mode=self.padding, align_corners=False
        )
        return batch | {"image": sampled_BCHW.contiguous(memory_format=torch.channels_last)}

    def draw(self, image_BCHW: Tensor, generator: torch.Generator) -> Tensor:
        """Return for each image the matrix from output to input positions, float32 [B, 2, 3], both in -1..1."""
        zoom = draw_uniform(image_BCHW, generator, low=self.zoom, high=1.0)
        room = (1 - zoom) * self.shift
        half = math.log(self.stretch) / 2
        stretch = draw_uniform(image_BCHW, generator, low=-half, high=half).exp()
        turn = math.radians(self.degrees)
        angle = draw_uniform(image_BCHW, generator, low=-turn, high=turn)
        mirror = torch.where(draw_uniform(image_BCHW, generator) < self.flip, -1.0, 1.0)
        x = draw_uniform(image_BCHW, generator, low=-1, high=1) * room
        y = draw_uniform(image_BCHW, generator, low=-1, high=1) * room
        # Positions are in shares of each side: a turn of a picture that is not square needs the ratio of its sides.
        ratio = image_BCHW.shape[2] / image_BCHW.shape[3]
        across, down = zoom * stretch, zoom / stretch
        first = torch.stack([angle.cos() * across * mirror, -angle.sin() * down * ratio, x], dim=1)
        second = torch.stack([angle.sin() * across * mirror / ratio, angle.cos() * down, y], dim=1)
        return torch.stack([first, second], dim=1)
