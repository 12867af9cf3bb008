"""Residual convolutional network: a stem that halves the image, then groups of convolution, pooling and residual branches.

When to use it: photos of 48 pixels and more; also small images when training is long. For 28 pixels and minutes of
training `cnn` is faster.

Source: K. He et al., "Deep Residual Learning for Image Recognition", 2015, arXiv 1512.03385; the group layout (pooled
convolution, then residual convolutions) follows D. Page, "How to Train Your ResNet", 2018.
Differs from the paper: pooling instead of strides inside the network, zero-initialized last norm of each branch.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import nn

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Grid, View
from tutelage.model.arch.base import Model
from tutelage.model.layers.convolution import (
    ACTIVATIONS,
    Activation,
    ConvNorm,
    GlobalPool,
    Residual,
    count_halvings,
    make_norm,
)
from tutelage.model.layers.image import check_image, make_head
from tutelage.model.layers.roles import mark

__all__ = ["Resnet"]


class Resnet(Model):
    """Sizes of the residual network."""

    kind: Literal["resnet"] = "resnet"
    views: ClassVar[tuple[type[View], ...]] = (Grid,)
    has_stages: ClassVar[bool] = True
    widths_of: ClassVar[tuple[str, ...]] = ("stem", "widths")
    depths_of: ClassVar[tuple[str, ...]] = ("depth", "branches")
    stem: int = Field(16, ge=1, le=2**16, description="Channels after the first convolution.")
    stem_stride: int = Field(2, ge=1, le=8, description="Step of the first convolution in pixels; its kernel is twice as wide.")
    widths: tuple[Annotated[int, Field(ge=1, le=2**16)], ...] = Field(
        (48, 96, 96, 192), min_length=1, max_length=100, description="Channels of each group."
    )
    depth: int = Field(1, ge=1, le=1000, description="Convolutions in each residual branch.")
    branches: int = Field(1, ge=1, le=1000, description="Residual branches in each group.")
    activation: Activation = Field("gelu", description="Nonlinearity after each normalization.")
    dropout: float = Field(0.2, ge=0, lt=1, description="Probability that a feature is left out before the last layer.")
    pool: Literal["max", "mean"] = Field("max", description="How each channel becomes one number at the end.")

    @property
    def width_step(self) -> int:
        """Return what convolutions compute at once."""
        return 8

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the network; inputs of any height and width of at least 4 pixels."""
        self.require(shape)
        image = check_image(shape, kind=self.kind)
        stride = self.stem_stride if min(image.height, image.width) >= 8 * self.stem_stride else 1
        halvings = count_halvings(image.height // stride, image.width // stride, most=len(self.widths))
        layers = self._stem(image.channels, stride)
        inputs = self.stem
        for number, width in enumerate(self.widths):
            layers.append(ConvNorm(inputs, width, activation=self.activation, is_pooled=number < halvings))
            layers += [Residual(width, depth=self.depth, activation=self.activation) for _ in range(self.branches)]
            inputs = width
        return nn.Sequential(*layers, GlobalPool(self.pool), make_head(inputs, num_outputs, dropout=self.dropout))

    def _stem(self, channels: int, stride: int) -> list[nn.Module]:
        """Return the layers that see the pixels: a strided convolution twice as wide as its step, or a 3x3 one."""
        if stride == 1:
            return [mark(ConvNorm(channels, self.stem, activation=self.activation), "input")]
        convolution = nn.Conv2d(channels, self.stem, 2 * stride, stride=stride, padding=stride // 2, bias=False)
        return [mark(convolution, "input"), make_norm(self.stem), ACTIVATIONS[self.activation]()]
