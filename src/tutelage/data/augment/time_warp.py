"""Time runs faster at some places of a series and slower at others; begin and end stay.

When to use it: where things happen sooner or later without meaning something else, such as movements and speech.

Source: T. Um et al., "Data Augmentation of Wearable Sensor Data", 2017, arXiv 1706.00527, section 2.1. Differs from the paper:
a wave of one to three halves in place of a spline.
"""

import math
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Series
from tutelage.data.augment.base import Augment
from tutelage.data.augment.draw import draw_uniform
from tutelage.data.augment.resample import resampled

__all__ = ["TimeWarp"]


class TimeWarp(Augment):
    """How much time is warped."""

    kind: Literal["time_warp"] = "time_warp"
    strength: float = Field(
        0.3, gt=0, lt=1, description="Most that time may run faster or slower, as a share. Typical: 0.1 to 0.5."
    )

    def suits(self, shape: Shape) -> bool:
        """Series alone."""
        return shape.view(Series) is not None

    def apply(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """Return the batch with `series` [B, T, C] read at other times."""
        series_BTC = batch["series"]
        last_B1 = (batch["mask"].sum(dim=1) - 1)[:, None]
        halves_B1 = (1 + (draw_uniform(series_BTC, generator) * 3).floor())[:, None] * math.pi
        strength_B1 = draw_uniform(series_BTC, generator, low=-self.strength, high=self.strength)[:, None]
        share_BT = torch.arange(series_BTC.shape[1], device=series_BTC.device) / last_B1.clamp(min=1)
        # Its slope is 1 + strength cos(...), above 0: time never runs backwards.
        warped_BT = share_BT + strength_B1 * torch.sin(halves_B1 * share_BT) / halves_B1
        return batch | {"series": resampled(series_BTC, batch["mask"], warped_BT * last_B1)}
