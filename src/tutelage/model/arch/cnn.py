"""Plain convolutional network: a 3x3 stem, then groups of convolution, pooling, normalization and activation.

When to use it: small images (8 to 48 pixels). For photos use `resnet`, which halves them at once. Groups adapt to the
image: one that is too small to be halved again keeps its size.

Source: K. Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024, arXiv 2404.00498 (layout of the groups).
Differs from the paper: a trained 3x3 stem in place of the frozen whitening, unscaled logits.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import nn

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Grid, View
from tutelage.model.arch.base import Model
from tutelage.model.layers.convolution import Activation, ConvNorm, GlobalPool, count_halvings
from tutelage.model.layers.image import check_image, make_head
from tutelage.model.layers.roles import mark

__all__ = ["Cnn"]


class Cnn(Model):
    """Sizes of the plain convolutional network."""

    kind: Literal["cnn"] = "cnn"
    views: ClassVar[tuple[type[View], ...]] = (Grid,)
    has_stages: ClassVar[bool] = True
    widths_of: ClassVar[tuple[str, ...]] = ("stem", "widths")
    depths_of: ClassVar[tuple[str, ...]] = ("depth",)
    stem: int = Field(16, ge=1, le=2**16, description="Channels after the first convolution.")
    widths: tuple[Annotated[int, Field(ge=1, le=2**16)], ...] = Field(
        (48, 96, 128), min_length=1, max_length=100, description="Channels of each group."
    )
    depth: int = Field(2, ge=1, le=1000, description="Convolutions in each group, the pooled one included.")
    activation: Activation = Field("relu", description="Nonlinearity after each normalization.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Probability that a feature is left out before the last layer.")
    pool: Literal["max", "mean"] = Field("max", description="How each channel becomes one number at the end.")

    @property
    def width_step(self) -> int:
        """Return what convolutions compute at once."""
        return 8

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the network; inputs of any height and width of at least 4 pixels."""
        self.require(shape)
        image = check_image(shape, kind=self.kind)
        halvings = count_halvings(image.height, image.width, most=len(self.widths))
        layers: list[nn.Module] = [mark(ConvNorm(image.channels, self.stem, activation=self.activation), "input")]
        inputs = self.stem
        for number, width in enumerate(self.widths):
            layers.append(ConvNorm(inputs, width, activation=self.activation, is_pooled=number < halvings))
            layers += [ConvNorm(width, width, activation=self.activation) for _ in range(self.depth - 1)]
            inputs = width
        return nn.Sequential(*layers, GlobalPool(self.pool), make_head(inputs, num_outputs, dropout=self.dropout))
