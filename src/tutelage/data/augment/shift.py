"""Random shifts by whole pixels; what moves in from outside is the mirrored border.

When to use it: small images, where a turn or zoom would blur too much.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from tutelage.data.augment.base import Augment
from tutelage.data.augment.draw import draw_uniform

__all__ = ["Shift"]


class Shift(Augment):
    """Move each image by up to `pixels` up or down and left or right."""

    kind: Literal["shift"] = "shift"
    pixels: int = Field(2, ge=0, le=1024, description="Largest shift in pixels; typical 1 to 2 for 28 pixels, 4 for 48.")

    def apply(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """Return the batch with `image` [B, C, H, W] shifted."""
        image_BCHW = batch["image"]
        rows_BH = self._positions(image_BCHW, generator, side=image_BCHW.shape[2])
        columns_BW = self._positions(image_BCHW, generator, side=image_BCHW.shape[3])
        items_B11 = torch.arange(len(image_BCHW), device=image_BCHW.device)[:, None, None]
        # Channels last is how images lie in memory: whole pixels are copied, and the result lies the same way.
        shifted_BHWC = image_BCHW.permute(0, 2, 3, 1)[items_B11, rows_BH[:, :, None], columns_BW[:, None, :]]
        return batch | {"image": shifted_BHWC.permute(0, 3, 1, 2)}

    def _positions(self, image_BCHW: Tensor, generator: torch.Generator, *, side: int) -> Tensor:
        """Return for each image where each of its new rows or columns comes from, int64 [B, side]."""
        reach = min(self.pixels, side - 1)
        drawn_B = draw_uniform(image_BCHW, generator, low=-reach, high=reach + 1).floor().long().clamp(-reach, reach)
        source_BS = torch.arange(side, device=image_BCHW.device) + drawn_B[:, None]
        return (side - 1) - ((side - 1) - source_BS.abs()).abs()
