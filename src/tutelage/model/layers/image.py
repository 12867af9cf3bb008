"""What all image architectures share: the check of their input and the last layer."""

from torch import nn

from tutelage.core.errors import RecipeError
from tutelage.core.schema import ImageShape, InputShape

__all__ = ["check_image", "make_head"]

SMALLEST_IMAGE = 4
"""Shortest side, in pixels, that a convolutional network takes."""


def check_image(shape: InputShape, *, kind: str) -> ImageShape:
    """Return the shape if it is that of images large enough.

    Raises:
        RecipeError: It is not, with what to use instead.
    """
    if not isinstance(shape, ImageShape):
        raise RecipeError(f"model = {kind!r} takes images, the data are {shape}. Use model = 'mlp' or 'linear'.")
    if min(shape.height, shape.width) < SMALLEST_IMAGE:
        size = f"{shape.height}x{shape.width}"
        raise RecipeError(f"model = {kind!r} takes images of at least 4x4 pixels, these are {size}. Set prepare.size to 8.")
    return shape


def make_head(inputs: int, num_outputs: int, *, dropout: float) -> nn.Module:
    """Return dropout, if any, and the last linear layer: [B, inputs] -> [B, num_outputs]."""
    linear = nn.Linear(inputs, num_outputs)
    return nn.Sequential(nn.Dropout(dropout), linear) if dropout else linear
