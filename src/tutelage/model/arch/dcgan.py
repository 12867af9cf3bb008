"""Generator of pictures by strided transposed convolutions, and as a critic its mirror image without normalization.

When to use it: to compare with, and where `residual_pair` is too slow. Which of the two is built is told by what it takes:
random numbers make it a generator, pictures a critic (or a classifier).

Source: A. Radford et al., "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks",
2016, arXiv 1511.06434, section 3. Differs from the paper: no batch norm in the critic, where gradient penalties need each row to
stand alone; no tanh, since samples are normalized and not in [-1, 1]; any size of picture, what is too large is cut off.
"""

from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import nn

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Canvas, Grid, View
from tutelage.model.arch.base import Model
from tutelage.model.layers.resampling import Flat, halved_sizes, picture_of, widths_for
from tutelage.model.layers.roles import mark

__all__ = ["Dcgan"]

LEAK = 0.2


class Dcgan(Model):
    """Sizes of both networks."""

    kind: Literal["dcgan"] = "dcgan"
    views: ClassVar[tuple[type[View], ...]] = (Canvas, Grid)
    widths_of: ClassVar[tuple[str, ...]] = ("widths",)
    widths: tuple[Annotated[int, Field(ge=1, le=2**16)], ...] = Field(
        (32, 64, 128), min_length=1, max_length=100, description="Channels at full size, at half of it, and so on."
    )

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the generator for random numbers, the critic for pictures."""
        self.require(shape)
        picture, is_made = picture_of(shape, num_outputs, kind=self.kind)
        sizes = halved_sizes(picture.height, picture.width, most=len(self.widths))
        widths = widths_for(self.widths, len(sizes))
        if is_made:
            assert isinstance(picture, Canvas)
            return self._generator(picture, sizes[-1], widths)
        return self._critic(picture.channels, sizes[-1], widths, num_outputs)

    def _generator(self, canvas: Canvas, coarsest: tuple[int, int], widths: list[int]) -> nn.Module:
        """Make the network from random numbers to a picture."""
        height, width = coarsest
        layers: list[nn.Module] = [
            mark(nn.Linear(canvas.size, widths[-1] * height * width), "input"),
            nn.Unflatten(1, (widths[-1], height, width)),
            nn.BatchNorm2d(widths[-1]),
            nn.ReLU(),
        ]
        for before, after in zip(widths[:0:-1], widths[-2::-1], strict=True):
            layers += [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        last = mark(nn.Conv2d(widths[0], canvas.channels, 3, padding=1), "output")
        return nn.Sequential(*layers, last, Flat(canvas.height, canvas.width))

    def _critic(self, channels: int, coarsest: tuple[int, int], widths: list[int], num_outputs: int) -> nn.Module:
        """Make the network from a picture to scores."""
        layers: list[nn.Module] = [mark(nn.Conv2d(channels, widths[0], 3, padding=1), "input"), nn.LeakyReLU(LEAK)]
        for before, after in pairwise(widths):
            # An odd side rounds up, as its size in the list does.
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.LeakyReLU(LEAK)]
        head = mark(nn.Linear(widths[-1] * coarsest[0] * coarsest[1], num_outputs), "output")
        return nn.Sequential(*layers, nn.Flatten(), head)
