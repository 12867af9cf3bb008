"""Convolutional network for what an agent sees: three convolutions with strides and a wide layer, no normalization.

When to use it: pixels in reinforcement learning, where batch norm would act otherwise than it learns. For photos use `resnet`.
Strides and filters shrink with small pictures.

Source: Mnih et al., "Human-level control through deep reinforcement learning", Nature 518, 2015, methods, "Model architecture".
Differs from the paper: padding where a picture is smaller than a filter.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import nn

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Grid, View
from tutelage.model.arch.base import Model
from tutelage.model.layers.roles import mark

__all__ = ["PixelCnn"]

FILTERS = ((8, 4), (4, 2), (3, 1))
"""Side and stride of each convolution, in pixels."""
SMALL_SIDE = 36
"""Pictures with a shorter side than this, in pixels, would vanish behind the paper's strides."""
SMALL_FILTERS = ((3, 1), (3, 2), (3, 1))


class PixelCnn(Model):
    """Sizes of the network."""

    kind: Literal["pixel_cnn"] = "pixel_cnn"
    views: ClassVar[tuple[type[View], ...]] = (Grid,)
    widths_of: ClassVar[tuple[str, ...]] = ("widths", "hidden")
    widths: tuple[Annotated[int, Field(ge=1, le=2**16)], ...] = Field(
        (32, 64, 64), min_length=3, max_length=3, description="Channels of each of the three convolutions."
    )
    hidden: int = Field(512, ge=1, le=2**20, description="Units of the layer before the last.")

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the network."""
        self.require(shape)
        grid = shape.view(Grid)
        assert grid is not None
        filters = FILTERS if min(grid.height, grid.width) >= SMALL_SIDE else SMALL_FILTERS
        layers: list[nn.Module] = []
        channels, height, width = grid.channels, grid.height, grid.width
        for (side, stride), outputs in zip(filters, self.widths, strict=True):
            padding = side // 2 if filters is SMALL_FILTERS else 0
            convolution = nn.Conv2d(channels, outputs, side, stride=stride, padding=padding)
            layers += [convolution if layers else mark(convolution, "input"), nn.ReLU()]
            height, width = ((length + 2 * padding - side) // stride + 1 for length in (height, width))
            channels = outputs
        wide = nn.Linear(channels * height * width, self.hidden)
        return nn.Sequential(*layers, nn.Flatten(), wide, nn.ReLU(), mark(nn.Linear(self.hidden, num_outputs), "output"))
