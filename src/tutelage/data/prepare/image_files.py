"""What is read from image files before all of them are decoded: sizes and color of a sample.

Not a component.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from tutelage.core.errors import DataError, DataProblem
from tutelage.data.part.image import ImagePart
from tutelage.data.source.decode import ImageReadError, decode_image, map_files, open_image

__all__ = ["SAMPLED_COLORS", "SAMPLED_FILES", "guarded", "has_color", "read_sample", "read_size", "unreadable"]

Result = TypeVar("Result")

SMALL_SIDE = 64
"""Side in pixels at which color is looked for."""

SAMPLED_FILES = 512
"""Files whose header is read to choose the size."""

SAMPLED_COLORS = 64
"""Files that are decoded to see whether there is any color in them."""

COLOR_TOLERANCE = 8
"""Channels that differ by no more than this, of 255, count as grey: JPEG itself tints grey images a little."""

EXIF_ORIENTATION = 0x0112


def read_sample(part: ImagePart, function: Callable[[Path], Result], *, count: int) -> list[Result]:
    """Call a function on at most `count` evenly spaced files.

    Raises:
        DataError: Some cannot be read; all of them are listed.
    """
    numbers = np.unique(np.linspace(0, len(part) - 1, min(count, len(part))).astype(np.int64)).tolist()
    results = map_files(guarded(function), [part.files[number] for number in numbers])
    problems = [
        unreadable(part, number, found)
        for number, found in zip(numbers, results, strict=True)
        if isinstance(found, ImageReadError)
    ]
    if problems:
        raise DataError(problems)
    return [found for found in results if not isinstance(found, ImageReadError)]


def guarded(function: Callable[[Path], Result]) -> Callable[[Path], Result | ImageReadError]:
    """Return a function that returns the error of a bad file, so that the others are still read."""

    def guarded(path: Path) -> Result | ImageReadError:
        try:
            return function(path)
        except ImageReadError as error:
            return error

    return guarded


def unreadable(part: ImagePart, index: int, error: ImageReadError) -> DataProblem:
    """Say which image cannot be read and why."""
    return DataProblem(part.locate(index), str(error), "Replace the file or remove it.", item=index)


def read_size(path: Path) -> tuple[int, int]:
    """Return height and width of an image as it is seen, from its header."""
    with open_image(path) as image:
        width, height = image.size
        try:
            is_turned = image.getexif().get(EXIF_ORIENTATION, 1) in range(5, 9)
        except Exception:  # a broken EXIF block says nothing about the pixels
            is_turned = False
        return (width, height) if is_turned else (height, width)


def has_color(path: Path) -> bool:
    """Tell whether an image has any color, from a small version of it."""
    image = decode_image(path, at_least=SMALL_SIDE)
    image.thumbnail((SMALL_SIDE, SMALL_SIDE))
    pixels_HWC = np.asarray(image).astype(np.int16)
    return int((pixels_HWC.max(axis=2) - pixels_HWC.min(axis=2)).max()) > COLOR_TOLERANCE
