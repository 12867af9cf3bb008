"""Pictures side by side in one, small ones enlarged without smoothing so that each pixel can be seen."""

import io
import math

import numpy as np
from PIL import Image

__all__ = ["draw_sheet"]

SIDE = 32
"""Pixels of the longer side to which smaller pictures are enlarged."""
GAP = 2
BACKGROUND = 255


def draw_sheet(pixels_NHWC: np.ndarray) -> bytes:
    """Return pictures uint8 [N, H, W, C], N > 0, as one PNG: about as many in a row as there are rows."""
    count, height, width, channels = pixels_NHWC.shape
    times = max(1, SIDE // max(height, width))
    tiles = pixels_NHWC.repeat(times, axis=1).repeat(times, axis=2)
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    high, wide = height * times + GAP, width * times + GAP
    sheet = np.full((rows * high + GAP, columns * wide + GAP, channels), BACKGROUND, dtype=np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // columns * high + GAP, number % columns * wide + GAP
        sheet[top : top + height * times, left : left + width * times] = tile
    buffer = io.BytesIO()
    Image.fromarray(sheet[:, :, 0] if channels == 1 else sheet).save(buffer, format="PNG")
    return buffer.getvalue()
