"""Arrays that are images to uint8 pixels [N, H, W, C] in 0..255.

Shape letters: N images, H height, W width, C channels (1 or 3).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

__all__ = ["PixelRange", "find_range", "finite_rows", "pieces", "to_pixels", "with_channels_last"]

SMALLEST_SIDE = 4
"""Pixels; what has a shorter side is not taken for an image."""

CHUNK_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class PixelRange:
    """The values that mean black and white."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"


RANGES = (PixelRange(0, 1), PixelRange(-1, 1), PixelRange(0, 255))
"""The usual ranges of float images, in the order in which they are tried."""


def with_channels_last(array: np.ndarray) -> np.ndarray | None:
    """Return a view [N, H, W, C] of [N, H, W], [N, H, W, C] or [N, C, H, W]; None where the shape is not one of images."""
    if array.ndim == 3:
        views = [array[..., None]]
    elif array.ndim == 4:
        views = [view for view in (array, np.moveaxis(array, 1, -1)) if view.shape[-1] in (1, 3)]
    else:
        return None
    # Where both places could hold channels, images are rather squares than stripes.
    best = max(views, key=lambda view: min(view.shape[1:3]), default=None)
    return best if best is not None and min(best.shape[1:3]) >= SMALLEST_SIDE else None


def find_range(array: np.ndarray, *, expected: PixelRange | None = None) -> PixelRange | None:
    """Tell which values mean black and white; None where the values are not those of images.

    Whole numbers must be in 0..255. For floats it is the range of the training images where that holds all finite values, else
    the smallest usual one that does: a single image may hold few values of its range.
    """
    if array.dtype == np.uint8:
        return PixelRange(0, 255)
    if array.dtype == np.bool_:
        return PixelRange(0, 1)
    low, high = _finite_range(array)
    if expected is not None and low >= expected.low and high <= expected.high:
        return expected
    if 0 < high < RANGES[0].high / 510 and low >= 0:
        return None  # all of it would be black
    fitting = RANGES if array.dtype.kind == "f" else RANGES[-1:]
    return next((known for known in fitting if low >= known.low and high <= known.high), None)


def to_pixels(array_NHWC: np.ndarray, known: PixelRange) -> np.ndarray:
    """Bring values from their range to uint8 in 0..255, rounded, a chunk at a time; what is not finite becomes 0."""
    if array_NHWC.dtype == np.uint8:
        return np.ascontiguousarray(array_NHWC)
    pixels = np.empty(array_NHWC.shape, dtype=np.uint8)
    start = 0
    for piece in pieces(array_NHWC):
        chunk = piece.astype(np.float64)
        scaled = (np.nan_to_num(chunk, nan=known.low, posinf=known.low, neginf=known.low) - known.low) * (
            255.0 / (known.high - known.low)
        )
        pixels[start : start + len(piece)] = np.rint(np.clip(scaled, 0, 255))
        start += len(piece)
    return pixels


def finite_rows(array: np.ndarray) -> np.ndarray:
    """Return which rows of an array of floats have neither NaN nor infinite values, bool [N]."""
    found = [np.isfinite(piece).all(axis=tuple(range(1, array.ndim))) for piece in pieces(array)]
    return np.concatenate(found) if found else np.zeros(0, dtype=bool)


def pieces(array: np.ndarray) -> Iterator[np.ndarray]:
    """Yield an array in pieces of some rows, so that what is computed of them never takes much memory."""
    step = max(1, CHUNK_BYTES // max(1, 8 * array[:1].size))
    for start in range(0, len(array), step):
        yield array[start : start + step]


def _finite_range(array: np.ndarray) -> tuple[float, float]:
    """Return the lowest and the highest finite value; 0 and 0 where there is none."""
    lows, highs = [], []
    for piece in pieces(array):
        values = piece[np.isfinite(piece)] if array.dtype.kind == "f" else piece
        if values.size:
            lows.append(float(values.min()))
            highs.append(float(values.max()))
    return (min(lows), max(highs)) if lows else (0.0, 0.0)
