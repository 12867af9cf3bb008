"""The pixels of all images of a part, decoded and framed, wherever there is room for them.

Not a component. Pixels that already have the right size stay where they are. Others are made once, some images at a time: up
to a limit of bytes in the cache of decoded images (or, for images to predict on, in memory), above it in a temporary file.

Shape letters: N images, H height, W width, C channels.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image as Pillow

from tutelage.core.cache_folder import cache_folder
from tutelage.core.errors import DataError, DataProblem
from tutelage.data.part.image import ImagePart
from tutelage.data.part.pixels import ChosenPixels
from tutelage.data.prepare.decoded import load_or_make
from tutelage.data.prepare.framing import Framing, frame
from tutelage.data.prepare.image_files import guarded, unreadable
from tutelage.data.rows.base import Rows
from tutelage.data.rows.dense import DenseRows
from tutelage.data.rows.mapped import MappedRows, is_mapped
from tutelage.data.rows.selected import SelectedRows
from tutelage.data.scratch import scratch_array, scratch_folders
from tutelage.data.source.decode import ImageReadError, decode_image, map_files

__all__ = ["MEMORY_BYTES", "PixelFormat", "measure", "pixel_rows"]

MEMORY_BYTES = 2**30
"""Decoded pixels of a part, in bytes, above which they go to a temporary file: 39,000 color images of 96x96."""

CHUNK_BYTES, CHUNK_IMAGES = 2**25, 512
"""Pixels, and images, worked on at a time."""

SAMPLED_VALUES = 2**26
"""Pixel values, at most, that mean and deviation are computed from: whole images, evenly spaced."""

SMALLEST_DEVIATION = 1.0
"""Of 255; keeps a data set of one color finite."""


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How all images are to be, and how much memory they may take.

    Attributes:
        size: Height and width in pixels.
        channels: 1 or 3.
        framing: What becomes of images of another shape.
        memory_bytes: Pixels of more bytes go to a temporary file.
    """

    size: tuple[int, int]
    channels: int
    framing: Framing
    memory_bytes: int = MEMORY_BYTES

    @property
    def mode(self) -> Literal["RGB", "L"]:
        """What Pillow calls the channels."""
        return "RGB" if self.channels == 3 else "L"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        return (*self.size, self.channels)

    def num_bytes(self, part: ImagePart) -> int:
        """Return how many bytes all images of a part are."""
        return len(part) * self.size[0] * self.size[1] * self.channels


def pixel_rows(part: ImagePart, wanted: PixelFormat) -> Rows:
    """Return `image` uint8 [N, H, W, C].

    Raises:
        DataError: Some file cannot be read; all of them are listed. Or there is no room.
    """
    if _has_format(part, wanted):
        return _as_they_are(part)
    shape, write = (len(part), *wanted.shape), partial(_write, part, wanted, numbers=np.arange(len(part)))
    is_large = wanted.num_bytes(part) > wanted.memory_bytes
    if not is_large and part.pixels is None and part.name != "input" and len(part):  # what is predicted once is not kept
        key = f"{part.fingerprint} {wanted.mode} {wanted.framing}"
        return _rows_of(load_or_make(key, shape=shape, fill=write))
    pixels = _large(part, wanted) if is_large else np.empty(shape, dtype=np.uint8)
    write(pixels)
    return _rows_of(pixels)


def measure(part: ImagePart, wanted: PixelFormat) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and deviation of each channel, of 255, from counts of the 256 values: exact, and the same each time.

    Raises:
        DataError: Some file cannot be read; all of them are listed - those that were looked at, where there are very many.
    """
    every = max(1, -(-wanted.num_bytes(part) // SAMPLED_VALUES))
    chosen = np.arange(0, len(part), every)
    if _has_format(part, wanted) or wanted.num_bytes(part) <= wanted.memory_bytes:
        rows: Rows = SelectedRows(pixel_rows(part, wanted), chosen)
    else:
        sample = np.empty((len(chosen), *wanted.shape), dtype=np.uint8)
        _write(part, wanted, sample, chosen)
        rows = _rows_of(sample)
    counts_C256 = np.zeros((wanted.channels, 256), dtype=np.int64)
    for numbers in torch.split(torch.arange(len(rows)), _chunk(wanted)):
        pixels_NHWC = rows.take(numbers)["image"].numpy()
        for channel in range(wanted.channels):
            counts_C256[channel] += np.bincount(pixels_NHWC[..., channel].reshape(-1), minlength=256)
    values = np.arange(256, dtype=np.float64)
    means = [float(counts @ values / counts.sum()) for counts in counts_C256]
    deviations = [
        max(SMALLEST_DEVIATION, float(np.sqrt(counts @ (values - mean) ** 2 / counts.sum())))
        for counts, mean in zip(counts_C256, means, strict=True)
    ]
    return tuple(means), tuple(deviations)


def _has_format(part: ImagePart, wanted: PixelFormat) -> bool:
    """Tell whether a part's pixels can be used as they are."""
    return part.pixels is not None and part.pixels.shape[1:] == wanted.shape and part.pixels.dtype == np.uint8


def _as_they_are(part: ImagePart) -> Rows:
    """Return a part's own pixels, uncopied."""
    if isinstance(part.pixels, ChosenPixels):
        return SelectedRows(_rows_of(part.pixels.whole), part.pixels.rows)
    assert part.pixels is not None
    return _rows_of(part.pixels)


def _rows_of(pixels: np.ndarray) -> Rows:
    """Return pixels as rows: torch's where it can take them without a copy, numpy's otherwise."""
    # Torch warns of arrays that cannot be written to, such as those made from the bytes of a file.
    is_torchs = pixels.flags.writeable and pixels.flags.c_contiguous and not is_mapped(pixels)
    return DenseRows({"image": torch.from_numpy(pixels)}) if is_torchs else MappedRows({"image": pixels})


def _large(part: ImagePart, wanted: PixelFormat) -> np.ndarray:
    """Return room for pixels that are too many for the memory.

    Raises:
        DataError: There is none.
    """
    height, width = wanted.size
    return scratch_array(
        (len(part), *wanted.shape),
        dtype=np.uint8,
        folders=scratch_folders(cache=cache_folder()),
        what=f"{part.name}: {len(part):,} images of {height}x{width} pixels",
        remedy="Or make the images smaller, such as --set prepare.size=64.",
    )


def _write(part: ImagePart, wanted: PixelFormat, pixels_NHWC: np.ndarray, numbers: np.ndarray) -> None:
    """Write the images of some numbers into an array, one after another, and raise all that went wrong at the end."""
    problems: list[DataProblem] = []
    for begin in range(0, len(numbers), _chunk(wanted)):
        own = numbers[begin : begin + _chunk(wanted)]
        for place, (number, found) in enumerate(zip(own.tolist(), _framed(part, wanted, own), strict=True), start=begin):
            if isinstance(found, ImageReadError):
                problems.append(unreadable(part, number, found))
            else:
                pixels_NHWC[place] = found
    if problems:
        raise DataError(problems)


def _framed(part: ImagePart, wanted: PixelFormat, numbers: np.ndarray) -> list[np.ndarray | ImageReadError]:
    """Return images as they are wanted, or why they cannot be read."""

    def convert(pixels_HWC: np.ndarray) -> np.ndarray:
        image = Pillow.fromarray(pixels_HWC[:, :, 0] if pixels_HWC.shape[2] == 1 else pixels_HWC).convert(wanted.mode)
        return frame(image, size=wanted.size, how=wanted.framing)

    def decode(path: Path) -> np.ndarray:
        return frame(decode_image(path, mode=wanted.mode, at_least=max(wanted.size)), size=wanted.size, how=wanted.framing)

    if part.pixels is not None:
        return [convert(pixels_HWC) for pixels_HWC in part.pixels[numbers]]
    return map_files(guarded(decode), [part.files[number] for number in numbers])


def _chunk(wanted: PixelFormat) -> int:
    """Return how many images are worked on at a time."""
    height, width, channels = wanted.shape
    return max(1, min(CHUNK_IMAGES, CHUNK_BYTES // (height * width * channels)))
