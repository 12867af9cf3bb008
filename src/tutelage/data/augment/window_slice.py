"""A random window of each series, stretched to the row's own length.

When to use it: where any long stretch of a series tells the class. Not where begin or end do.

Source: A. Le Guennec et al., "Data Augmentation for Time Series Classification using Convolutional Neural Networks", 2016, ECML
workshop, section 3. Differs from the paper: the window is stretched, so that rows keep their length.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Series
from tutelage.data.augment.base import Augment
from tutelage.data.augment.draw import draw_uniform
from tutelage.data.augment.resample import resampled

__all__ = ["WindowSlice"]


class WindowSlice(Augment):
    """Size of the window."""

    kind: Literal["window_slice"] = "window_slice"
    size: float = Field(0.9, gt=0, lt=1, description="Shortest window, as a share of the row. Typical: 0.7 to 0.95.")

    def suits(self, shape: Shape) -> bool:
        """Series alone."""
        return shape.view(Series) is not None

    def apply(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """Return the batch with windows of `series` [B, T, C] in place of the rows."""
        series_BTC = batch["series"]
        last_B1 = (batch["mask"].sum(dim=1) - 1)[:, None]
        size_B1 = draw_uniform(series_BTC, generator, low=self.size)[:, None]
        begin_B1 = draw_uniform(series_BTC, generator)[:, None] * (1 - size_B1)
        time_T = torch.arange(series_BTC.shape[1], device=series_BTC.device)
        return batch | {"series": resampled(series_BTC, batch["mask"], begin_B1 * last_B1 + size_B1 * time_T)}
