"""A random square of each image is painted with the mean color.

When to use it: long training on small images, against learning one detail only.

Source: T. DeVries and G. Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", 2017,
arXiv 1708.04552. Differs from the paper: none (the square may reach over the border).
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from tutelage.data.augment.base import Augment
from tutelage.data.augment.draw import draw_uniform

__all__ = ["Cutout"]


class Cutout(Augment):
    """Size of the square and how often it is cut."""

    kind: Literal["cutout"] = "cutout"
    renamed: ClassVar[dict[str, str]] = {"share": "probability"}
    size: float = Field(0.4, gt=0, le=1, description="Side of the square as a share of the shorter side of the image.")
    probability: float = Field(1.0, ge=0, le=1, description="Probability that an image is cut.")

    def apply(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """Return the batch with a square of `image` [B, C, H, W] at 0, the train mean."""
        image_BCHW = batch["image"]
        height, width = image_BCHW.shape[2:]
        side = max(1, round(self.size * min(height, width)))
        is_cut_B = draw_uniform(image_BCHW, generator) < self.probability
        in_rows_BH = self._inside(image_BCHW, generator, length=height, side=side)
        in_columns_BW = self._inside(image_BCHW, generator, length=width, side=side)
        is_hidden_BHW = is_cut_B[:, None, None] & in_rows_BH[:, :, None] & in_columns_BW[:, None, :]
        return batch | {"image": image_BCHW.clone().masked_fill_(is_hidden_BHW[:, None], 0.0)}

    def _inside(self, image_BCHW: Tensor, generator: torch.Generator, *, length: int, side: int) -> Tensor:
        """Tell for each row or column whether the square covers it, bool [B, length]; its middle is any pixel."""
        middle_B = draw_uniform(image_BCHW, generator, high=length).floor()
        start_B1 = (middle_B - side // 2)[:, None]
        positions_L = torch.arange(length, device=image_BCHW.device)
        return (positions_L >= start_B1) & (positions_L < start_B1 + side)
