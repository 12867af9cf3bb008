"""A random stretch of each series is set to the train mean.

When to use it: long training, against learning one detail only.

Source: D. Park et al., "SpecAugment", 2019, arXiv 1904.08779, section 2 (time masking). Differs from the paper: none.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Series
from tutelage.data.augment.base import Augment
from tutelage.data.augment.draw import draw_uniform

__all__ = ["Masking"]


class Masking(Augment):
    """Length of the stretch and how often it is hidden."""

    kind: Literal["masking"] = "masking"
    size: float = Field(0.2, gt=0, le=1, description="Longest stretch, as a share of the row. Typical: 0.1 to 0.3.")
    probability: float = Field(0.5, ge=0, le=1, description="Probability that a row is changed.")

    def suits(self, shape: Shape) -> bool:
        """Series alone."""
        return shape.view(Series) is not None

    def apply(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """Return the batch with a stretch of `series` [B, T, C] at 0, the train mean."""
        series_BTC = batch["series"]
        length_B = batch["mask"].sum(dim=1)
        is_changed_B = draw_uniform(series_BTC, generator) < self.probability
        hidden_B = draw_uniform(series_BTC, generator) * self.size * length_B
        begin_B1 = (draw_uniform(series_BTC, generator) * (length_B - hidden_B))[:, None]
        time_T = torch.arange(series_BTC.shape[1], device=series_BTC.device)
        is_hidden_BT = (time_T >= begin_B1) & (time_T < begin_B1 + hidden_B[:, None]) & is_changed_B[:, None]
        return batch | {"series": series_BTC.masked_fill(is_hidden_BT[..., None], 0.0)}
