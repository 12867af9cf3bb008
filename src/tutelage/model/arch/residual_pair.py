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
    widths_of: ClassVar[tuple[str, ...]] = ("widths",)
    widths: tuple[Annotated[int, Field(ge=1, le=2**16)], ...] = Field(
        (32, 64, 96), min_length=1, max_length=100, description="Channels at full size, at half of it, and so on."
    )
    branches: int = Field(1, ge=1, le=1000, description="Residual branches at each size.")

    patch: Literal[1, 2] = Field(1, description="Side in pixels of what becomes one place of the finest size; 2 is much faster.")

    def build(self, shape: Shape, num_outputs: int) -> nn.Module:
        """Make the generator for random numbers, the critic for pictures."""
        self.require(shape)
        picture, is_made = picture_of(shape, num_outputs, kind=self.kind)
        finest = (-(-picture.height // self.patch), -(-picture.width // self.patch))
        sizes = halved_sizes(*finest, most=len(self.widths))
        widths = widths_for(self.widths, len(sizes))
        if is_made:
            assert isinstance(picture, Canvas)
            return self._generator(picture, sizes, widths)
        return self._critic(picture.channels, sizes, widths, num_outputs)

    def _generator(self, canvas: Canvas, sizes: list[tuple[int, int]], widths: list[int]) -> nn.Module:
        """Make the network from random numbers to a picture."""
        height, width = sizes[-1]
        layers: list[nn.Module] = [
            mark(nn.Linear(canvas.size, widths[-1] * height * width), "input"),
            nn.Unflatten(1, (widths[-1], height, width)),
        ]
        for number in reversed(range(len(sizes))):
            layers += self._stage(widths[number], len(sizes))
            if number:
                layers += [Resize(*sizes[number - 1]), nn.Conv2d(widths[number], widths[number - 1], 1)]
        plain = nn.Conv2d(widths[0], canvas.channels, 3, padding=1)
        last = plain if self.patch == 1 else nn.ConvTranspose2d(widths[0], canvas.channels, 4, stride=2, padding=1)
        return nn.Sequential(*layers, nn.LeakyReLU(LEAK), mark(last, "output"), Flat(canvas.height, canvas.width))

    def _critic(self, channels: int, sizes: list[tuple[int, int]], widths: list[int], num_outputs: int) -> nn.Module:
        """Make the network from a picture to scores."""
        layers: list[nn.Module] = [mark(nn.Conv2d(channels, widths[0], 2 * self.patch + 1, self.patch, self.patch), "input")]
        for number in range(len(sizes)):
            layers += self._stage(widths[number], len(sizes))
            if number + 1 < len(sizes):
                layers += [Resize(*sizes[number + 1]), nn.Conv2d(widths[number], widths[number + 1], 1)]
        head = mark(nn.Linear(widths[-1] * math.prod(sizes[-1]), num_outputs), "output")
        return nn.Sequential(*layers, nn.LeakyReLU(LEAK), nn.Flatten(), head)

    def _stage(self, width: int, num_sizes: int) -> list[nn.Module]:
        """Return the branches at one size."""
        return [Branch(width, num_branches=self.branches * num_sizes) for _ in range(self.branches)]


class Branch(nn.Module):
    """x + a branch of two convolutions, which begins as zero."""

    keeps_own_init = True

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
        change_BCHW: Tensor = self.second(hidden_BCHW)
        return x_BCHW + change_BCHW
