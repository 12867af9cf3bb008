"""Sizes of a picture that is halved again and again, or doubled back: what generators and critics of pictures share.

Shape letters: B batch, C channels, H height, W width.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from tutelage.core.errors import RecipeError
from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Canvas, Grid

__all__ = ["Flat", "Resize", "halved_sizes", "picture_of", "widths_for"]

COARSEST = 4
"""Pixels of the shorter side that a halving must leave."""


class Resize(nn.Module):
    """A picture made larger by repeating pixels, or smaller by averaging them; any size to any other."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.size = (height, width)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return [B, C, height, width]."""
        height, width = self.size
        if (height, width) == tuple(x_BCHW.shape[2:]):
            return x_BCHW
        mode = "nearest-exact" if height > x_BCHW.shape[2] else "area"
        return F.interpolate(x_BCHW, size=self.size, mode=mode)


class Flat(nn.Module):
    """A picture as one row of numbers, cut to its size where a step of 2 has made it larger."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return [B, C * height * width], channel after channel."""
        return x_BCHW[:, :, : self.height, : self.width].flatten(1)


def halved_sizes(height: int, width: int, *, most: int) -> list[tuple[int, int]]:
    """Return a picture's size, and what is left after each halving, rounded up; at most `most` halvings."""
    sizes = [(height, width)]
    while len(sizes) <= most and min(sizes[-1]) >= 2 * COARSEST:
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    return sizes


def widths_for(widths: tuple[int, ...], num_sizes: int) -> list[int]:
    """Return the channels at each size, the finest first; the last one goes on where there are more sizes."""
    return [widths[min(number, len(widths) - 1)] for number in range(num_sizes)]


def picture_of(shape: Shape, num_outputs: int, *, kind: str) -> tuple[Canvas | Grid, bool]:
    """Return the picture that is made or looked at, and whether it is made.

    Raises:
        RecipeError: A number of outputs that is not that of the picture's pixels.
    """
    canvas = shape.view(Canvas)
    if canvas is None:
        grid = shape.view(Grid)
        assert grid is not None
        return grid, False
    pixels = canvas.channels * canvas.height * canvas.width
    if num_outputs != pixels:
        found = (
            f"a picture of {canvas.channels}x{canvas.height}x{canvas.width} has {pixels} numbers, and {num_outputs} are wanted"
        )
        raise RecipeError(f"recipe: model = {kind!r}: {found}. Choose another architecture: tutelage list model.")
    return canvas, True
