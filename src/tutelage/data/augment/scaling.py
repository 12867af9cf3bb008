"""Every series made larger or smaller as a whole.

When to use it: where the size of a series says nothing, such as sensors that are worn more or less tightly.

Source: T. Um et al., "Data Augmentation of Wearable Sensor Data", 2017, arXiv 1706.00527, section 2.1. Differs from the paper:
one factor for all channels of a row.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Series
from tutelage.data.augment.base import Augment
from tutelage.data.augment.draw import draw_uniform

__all__ = ["Scaling"]


class Scaling(Augment):
    """How far series are scaled."""

    kind: Literal["scaling"] = "scaling"
    strength: float = Field(
        0.1, gt=0, lt=1, description="Factors are between 1 - strength and 1 + strength. Typical: 0.05 to 0.3."
    )

    def suits(self, shape: Shape) -> bool:
        """Series alone."""
        return shape.view(Series) is not None

    def apply(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """Return the batch with each row of `series` [B, T, C] multiplied by a factor of its own."""
        series_BTC = batch["series"]
        factor_B = draw_uniform(series_BTC, generator, low=1 - self.strength, high=1 + self.strength)
        return batch | {"series": series_BTC * factor_B[:, None, None].to(series_BTC.dtype)}
