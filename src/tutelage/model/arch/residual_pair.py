"""Residual generator of pictures, and as a critic its mirror image, both without normalization layers.

When to use it: the choice for pictures. Each branch begins as zero, so that a deep network starts as a plain one and needs no
normalization, which would let samples of a batch see each other. Which of the two is built is told by what it takes: random
numbers make it a generator, pictures a critic (or a classifier).

Source: Y. Huang et al., 2025, arXiv 2501.05441, section 3 and appendix D (layout, Fix-up initialization);
H. Zhang et al., "Fixup Initialization", 2019, arXiv 1901.09321.
Differs from the paper: two plain 3x3 convolutions a branch in place of a grouped one between two pointwise ones, which is
faster for the few channels of small pictures; pixels are repeated and averaged in place of bilinear filters; no learned base.

Shape letters: B batch, C channels, H height, W width.
"""

import math
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Canvas, Grid, View
from tutelage.model.arch.base import Model
from tutelage.model.layers.resampling import Flat, Resize, halved_sizes, picture_of, widths_for
from tutelage.model.layers.roles import mark

__all__ = ["ResidualPair"]

LEAK = 0.2


class ResidualPair(Model):
    """Sizes of both networks."""

    kind: Literal["residual_pair"] = "residual_pair"
    views: ClassVar[tuple[type[View], ...]] = (Canvas, Grid)
    widths: tuple[Annotated[int, Field(ge=1, le=2**16)], ...] = Field(
        (32, 64, 96), min_length=1, max_length=100, description="Channels at full size, at half of it, and so on."
    )
    branches: int = Field(1, ge=1, le=1000, description="Residual branches at each size.")

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the generator for random numbers, the critic for pictures."""
        self.require(shape)
        picture, is_made = picture_of(shape, num_outputs, kind=self.kind)
        sizes = halved_sizes(picture.height, picture.width, most=len(self.widths))
        widths = widths_for(self.widths, len(sizes))
        count = self.branches * len(sizes)
        if is_made:
            assert isinstance(picture, Canvas)
            height, width = sizes[-1]
            layers: list[nn.Module] = [
                mark(nn.Linear(picture.size, widths[-1] * height * width), "input"),
                nn.Unflatten(1, (widths[-1], height, width)),
            ]
            for number in reversed(range(len(sizes))):
                layers += self._stage(widths[number], count)
                if number:
                    layers += [Resize(*sizes[number - 1]), nn.Conv2d(widths[number], widths[number - 1], 1)]
            last = mark(nn.Conv2d(widths[0], picture.channels, 3, padding=1), "output")
            return nn.Sequential(*layers, nn.LeakyReLU(LEAK), last, Flat(picture.height, picture.width))
        layers = [mark(nn.Conv2d(picture.channels, widths[0], 3, padding=1), "input")]
        for number in range(len(sizes)):
            layers += self._stage(widths[number], count)
            if number + 1 < len(sizes):
                layers += [Resize(*sizes[number + 1]), nn.Conv2d(widths[number], widths[number + 1], 1)]
        head = mark(nn.Linear(widths[-1] * math.prod(sizes[-1]), num_outputs), "output")
        return nn.Sequential(*layers, nn.LeakyReLU(LEAK), nn.Flatten(), head)

    def _stage(self, width: int, count: int) -> list[nn.Module]:
        """Return the branches at one size; `count` is how many there are in all."""
        return [Branch(width, num_branches=count) for _ in range(self.branches)]


class Branch(nn.Module):
    """x + a branch of two convolutions, which begins as zero."""

    def __init__(self, channels: int, *, num_branches: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        # Fix-up: of two layers a branch, the first one is scaled by L^(-1/2), the last one starts at zero.
        nn.init.kaiming_normal_(self.first.weight, a=LEAK)
        with torch.no_grad():
            self.first.weight.mul_(num_branches**-0.5)
            self.second.weight.zero_()

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return [B, C, H, W]."""
        hidden_BCHW = F.leaky_relu(self.first(F.leaky_relu(x_BCHW, LEAK)), LEAK)
        return x_BCHW + self.second(hidden_BCHW)
