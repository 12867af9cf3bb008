"""A little noise on every value of a series.

When to use it: sensors that are noisy themselves. Not where small, quick changes tell the class.

Source: T. Um et al., "Data Augmentation of Wearable Sensor Data", 2017, arXiv 1706.00527, section 2.1.
Differs from the paper: none.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Series
from tutelage.data.augment.base import Augment
from tutelage.data.augment.draw import draw_uniform

__all__ = ["Jitter"]

KEYS = 2**24
"""Different noises: as many as a drawn float32 has values."""
FACTORS = (0x2C1B3C6D, 0x297A2D39)
"""Odd numbers that mix bits well."""


class Jitter(Augment):
    """How large the noise is."""

    kind: Literal["jitter"] = "jitter"
    std: float = Field(
        0.03, gt=0, le=10, description="Deviation of the noise, where values have deviation 1. Typical: 0.01 to 0.1."
    )

    def suits(self, shape: Shape) -> bool:
        """Series alone."""
        return shape.view(Series) is not None

    def apply(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """Return the batch with noise on `series` [B, T, C], none behind the end of a row."""
        series_BTC, mask_BT1 = batch["series"], batch["mask"][..., None]
        key_B11 = (draw_uniform(series_BTC, generator) * KEYS).long()[:, None, None]
        time_T1 = torch.arange(series_BTC.shape[1], device=series_BTC.device)[:, None]
        channel_C = torch.arange(series_BTC.shape[2], device=series_BTC.device)
        # Of a row's key, time and channel, so that a row has the same noise in whatever batch, and however padded.
        noise_BTC = _normal(_mixed(_mixed(_mixed(key_B11) + time_T1) + channel_C)).to(series_BTC.dtype)
        return batch | {"series": series_BTC + self.std * noise_BTC * mask_BT1}


def _mixed(number: Tensor) -> Tensor:
    """Return whole numbers in [0, 2^31) that look as if drawn, one for each that is given."""
    for factor in FACTORS:
        number = ((number ^ (number >> 15)) * factor) & (2**31 - 1)
    return number ^ (number >> 14)


def _normal(number: Tensor) -> Tensor:
    """Turn whole numbers in [0, 2^31) into normal ones."""
    normal: Tensor = torch.special.ndtri((number.double() + 0.5) / 2**31)
    return normal
