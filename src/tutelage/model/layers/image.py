"""What all image architectures have: the check of their input and the last layer."""

from torch import nn

from tutelage.core.errors import RecipeError
from tutelage.core.shape.base import Shape
from tutelage.core.shape.views import Grid
from tutelage.model.layers.roles import mark

__all__ = ["check_image", "make_head"]

SMALLEST_IMAGE = 4
"""Shortest side, in pixels, that a convolutional network takes."""


def check_image(shape: Shape, *, kind: str) -> Grid:
    """Return the input as a picture, if it is large enough.

    Raises:
        RecipeError: It is too small.
    """
    grid = shape.view(Grid)
    assert grid is not None
    if min(grid.height, grid.width) < SMALLEST_IMAGE:
        size = f"{grid.height}x{grid.width}"
        raise RecipeError(f"model = {kind!r} takes images of at least 4x4 pixels, these are {size}. Set prepare.size to 8.")
    return grid


def make_head(inputs: int, num_outputs: int, *, dropout: float) -> nn.Module:
    """Return dropout, if any, and the last linear layer: [B, inputs] -> [B, num_outputs]."""
    linear = mark(nn.Linear(inputs, num_outputs), "output")
    return nn.Sequential(nn.Dropout(dropout), linear) if dropout else linear
