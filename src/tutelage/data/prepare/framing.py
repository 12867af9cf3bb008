"""How large images are made, and how one image is brought to that size; not a component."""

import math
from typing import Literal

import numpy as np
from PIL import Image

__all__ = ["Framing", "choose_size", "frame"]

Framing = Literal["stretch", "crop", "pad"]
"""stretch = both sides to the size, shapes distorted; crop = the middle part of the right shape; pad = all of it, with
a border of its mean color."""

ODD_SHAPES = 1.1
"""Ratio between the 90 % and 10 % quantiles of width / height above which a data set has no shape of its own."""

STEP = 8
"""Sides that are made smaller become a multiple of this, in pixels, so that they can be halved three times."""


def choose_size(sizes_N2: np.ndarray, *, limit: int) -> tuple[int, int]:
    """Choose the height and width that all images get, from those that train images have.

    Small images keep theirs. Larger ones are made smaller until their area is `limit` squared; images of mixed shapes
    become squares.

    Args:
        sizes_N2: Height and width of each train image, in pixels.
        limit: Side of the largest square, in pixels.

    Example:
        >>> choose_size(np.array([[28, 28]] * 5), limit=96), choose_size(np.array([[160, 120], [120, 160]]), limit=96)
        ((28, 28), (96, 96))
    """
    heights, widths = sizes_N2[:, 0].astype(float), sizes_N2[:, 1].astype(float)
    low, high = np.quantile(widths / heights, [0.1, 0.9])
    height, width = float(np.median(heights)), float(np.median(widths))
    if high / low > ODD_SHAPES:
        height = width = float(np.median(np.minimum(heights, widths)))
    shrink = limit / math.sqrt(height * width)
    if shrink >= 1:
        return round(height), round(width)
    return _round(height * shrink), _round(width * shrink)


def frame(image: Image.Image, *, size: tuple[int, int], how: Framing) -> np.ndarray:
    """Bring one image to a size.

    Args:
        image: Mode RGB or L.
        size: Height and width in pixels.
        how: What becomes of a different shape.

    Returns:
        uint8 [height, width, channels].
    """
    height, width = size
    if image.size != (width, height):
        image = _pad(image, size) if how == "pad" else _resize(image, size, how)
    pixels = np.asarray(image)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def _resize(image: Image.Image, size: tuple[int, int], how: Framing) -> Image.Image:
    """Resize all of an image, or the middle part that has the right shape."""
    height, width = size
    left, top, right, bottom = 0.0, 0.0, float(image.width), float(image.height)
    if how == "crop":
        scale = min(image.width / width, image.height / height)
        left, top = (image.width - width * scale) / 2, (image.height - height * scale) / 2
        right, bottom = left + width * scale, top + height * scale
    # The gap makes Pillow shrink by whole factors first: several times faster for large photos, not visible.
    return image.resize((width, height), Image.Resampling.BICUBIC, box=(left, top, right, bottom), reducing_gap=3.0)


def _pad(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Fit an image into a size and surround it with its mean color."""
    height, width = size
    scale = min(width / image.width, height / image.height)
    inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    mean = image.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    page = Image.new(image.mode, (width, height), mean)
    shrunk = image.resize(inner, Image.Resampling.BICUBIC, reducing_gap=3.0)
    page.paste(shrunk, ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return page


def _round(side: float) -> int:
    """Round a side to a multiple of `STEP`."""
    return max(STEP, STEP * round(side / STEP))
