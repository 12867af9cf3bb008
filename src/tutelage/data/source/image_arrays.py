"""Numbers that are images as a part, in the range that the training images had.

Shape letters: N images, H height, W width, C channels (1 or 3).
"""

import numpy as np

from tutelage.core.errors import DataProblem
from tutelage.data.part.image import ImagePart
from tutelage.data.source.array_hashes import hash_arrays
from tutelage.data.source.pixel_arrays import PixelRange, to_pixels

__all__ = ["image_part"]


def image_part(
    images: np.ndarray, labels: np.ndarray | None, name: str, *, known: PixelRange, expected: PixelRange | None
) -> tuple[ImagePart, list[DataProblem], str]:
    """Return an array [N, H, W, C] as images, what is wrong with it, and what to tell of it.

    Args:
        images: The array.
        labels: One for each image; None where there are none.
        name: Of the part.
        known: The range of its values.
        expected: That of the training images, which counts; None where these are the training images, or it is not known.
    """
    problems: list[DataProblem] = []
    if expected is not None and (known.low < expected.low or known.high > expected.high):
        problems.append(DataProblem(name, f"values from {known}, but from {expected} in training", "Scale both alike."))
    pixels, used = to_pixels(images, expected or known), expected or known
    count, height, width, channels = pixels.shape
    part = ImagePart(
        name=name,
        files=(),
        pixels=pixels,
        labels=labels,
        names=tuple(f"{name} image {row}" for row in range(count)),
        fingerprint=hash_arrays(pixels, labels),
        pixel_range=(used.low, used.high) if images.dtype.kind == "f" else None,
    )
    look = "grey" if channels == 1 else "color"
    note = f"{name}: taken as {count:,} {look} images of {height} x {width} pixels with values from {known}"
    return part, problems, note
