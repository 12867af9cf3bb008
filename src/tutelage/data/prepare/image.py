"""Images of any size and mode as equally large uint8 pixels, decoded once; normalized with the train mean and deviation.

Use it for pictures, from files or as pixels. Small images keep their size; photos are made smaller, because on the same
budget more passes over smaller pictures win.

Shape letters: N images, B batch, H height, W width, C channels.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from PIL import Image as Pillow
from pydantic import Field
from torch import Tensor, nn

from tutelage.core.errors import DataError, Problem
from tutelage.core.shape.image import ImageShape
from tutelage.core.spec import Auto
from tutelage.data.augment.symmetry import try_mirror
from tutelage.data.part.base import RowsPart
from tutelage.data.part.image import ImagePart
from tutelage.data.prepare.base import Fitted, Prepare
from tutelage.data.prepare.decoded import load_or_make
from tutelage.data.prepare.framing import Framing, choose_size, frame
from tutelage.data.rows.base import Rows
from tutelage.data.rows.dense import DenseRows
from tutelage.data.source.decode import ImageReadError, decode_image, map_files, open_image

__all__ = ["Image", "FittedImage"]

Result = TypeVar("Result")

CHUNK = 512
"""Images worked on at a time."""

SMALL_SIDE = 64
"""Side in pixels at which color is looked for."""

SAMPLED_FILES = 512
"""Files whose header is read to choose the size."""

SAMPLED_COLORS = 64
"""Files that are decoded to see whether there is any color in them."""

SAMPLED_VALUES = 2**26
"""Pixel values, at most, that mean and deviation are computed from: whole images, evenly spaced."""

COLOR_TOLERANCE = 8
"""Channels that differ by no more than this, of 255, count as grey: JPEG itself tints grey images a little."""

EXIF_ORIENTATION = 0x0112
SMALLEST_DEVIATION = 1.0
"""Of 255; keeps a data set of one color finite."""


class Image(Prepare):
    """Settings of the preprocessing of images."""

    kind: Literal["image"] = "image"
    size: Auto | int | tuple[int, int] = Field(
        "auto", description="Side, or height and width, in pixels; auto = as they are, larger ones shrunk to max_size."
    )
    max_size: int = Field(96, ge=4, le=1024, description="Side in pixels that auto does not exceed; typical 64 to 224.")
    channels: Auto | Literal[1, 3] = Field("auto", description="1 = grey, 3 = color, auto = grey if no train image has color.")
    framing: Framing = Field("stretch", description="What becomes of images of another shape: stretch, crop or pad.")

    def fit(self, part: RowsPart) -> "FittedImage":
        """Choose size and channels, and measure mean and deviation on the train images.

        Raises:
            DataError: Some file cannot be read; all of them are listed.
        """
        images = _as_images(part)
        size, channels = self._choose_size(images), self._choose_channels(images)
        pixels_NHWC = _pixels(images, size=size, channels=channels, framing=self.framing)
        mean, deviation = _measure(pixels_NHWC)
        return FittedImage(size, channels, self.framing, mean, deviation)

    def restore(self, state: Mapping[str, Any]) -> "FittedImage":
        """Rebuild what `FittedImage.state` returned."""
        height, width = state["size"]
        return FittedImage((height, width), state["channels"], state["framing"], tuple(state["mean"]), tuple(state["deviation"]))

    def _choose_size(self, images: ImagePart) -> tuple[int, int]:
        """Return height and width in pixels."""
        if isinstance(self.size, int):
            return self.size, self.size
        if isinstance(self.size, tuple):
            return self.size
        if images.pixels is not None:
            sizes_N2 = np.array([images.pixels.shape[1:3]])
        else:
            sizes_N2 = np.array(_read(_sample(images, SAMPLED_FILES), _read_size))
        return choose_size(sizes_N2, limit=self.max_size)

    def _choose_channels(self, images: ImagePart) -> int:
        """Return 1 or 3."""
        if self.channels != "auto":
            return self.channels
        if images.pixels is not None:
            return int(images.pixels.shape[3])
        return 3 if any(_read(_sample(images, SAMPLED_COLORS), _has_color)) else 1


@dataclass(frozen=True)
class FittedImage(Fitted):
    """Fitted preprocessing of images.

    Attributes:
        size: Height and width in pixels.
        channels: 1 or 3.
        framing: What becomes of images of another shape.
        mean: Of each channel, of 255.
        deviation: Standard deviation of each channel, of 255.
    """

    size: tuple[int, int]
    channels: int
    framing: Framing
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @property
    def shape(self) -> ImageShape:
        """What the model receives."""
        return ImageShape(channels=self.channels, height=self.size[0], width=self.size[1])

    def apply(self, part: RowsPart) -> Rows:
        """Return `image`, uint8 [N, H, W, C], memory-mapped where it was decoded from files.

        Raises:
            DataError: Some file cannot be read; all of them are listed.
        """
        pixels = _pixels(_as_images(part), size=self.size, channels=self.channels, framing=self.framing)
        return DenseRows({"image": torch.from_numpy(pixels)}, is_on_disk=isinstance(pixels, np.memmap))

    def finisher(self) -> nn.Module:
        """Return the module that turns uint8 [B, H, W, C] into normalized float32 [B, C, H, W], channels last in memory."""
        return Normalize(self.mean, self.deviation)

    def say(self) -> str:
        """Write size and color."""
        return f"{self.shape.say()}, normalized"

    def traits(self, rows: Rows, target: np.ndarray | None) -> dict[str, str]:
        """Tell under `mirror` whether mirror images keep their meaning, `yes` or `no`."""
        if target is None or not isinstance(rows, DenseRows):
            return {}
        return {"mirror": "yes" if try_mirror(rows.tensors["image"].numpy(), target).keeps_meaning else "no"}

    def state(self) -> dict[str, Any]:
        """Return all that was fitted as JSON values."""
        values = {"size": list(self.size), "channels": self.channels, "framing": self.framing}
        return values | {"mean": list(self.mean), "deviation": list(self.deviation)}


class Normalize(nn.Module):
    """(value - mean) / std of each channel, and from [B, H, W, C] to [B, C, H, W]."""

    scale: Tensor
    offset: Tensor

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        scale = torch.tensor([1 / spread for spread in std])
        offset = torch.tensor([-middle / spread for middle, spread in zip(mean, std, strict=True)])
        self.register_buffer("scale", scale[:, None, None], persistent=False)
        self.register_buffer("offset", offset[:, None, None], persistent=False)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the batch with `image` float32 [B, C, H, W], mean 0 and std 1 over the train rows."""
        image_BCHW = batch["image"].permute(0, 3, 1, 2).to(torch.float32)
        return batch | {"image": torch.addcmul(self.offset, image_BCHW, self.scale)}


def _as_images(part: RowsPart) -> ImagePart:
    """Return the part if it holds images.

    Raises:
        DataError: It does not.
    """
    if isinstance(part, ImagePart):
        return part
    raise DataError([Problem(part.name, "these are not images", "Give an image folder, or idx files.")])


def _pixels(part: ImagePart, *, size: tuple[int, int], channels: int, framing: Framing) -> np.ndarray:
    """Return all images of a part as uint8 [N, H, W, C]."""
    mode: Literal["RGB", "L"] = "RGB" if channels == 3 else "L"
    shape = (len(part), *size, channels)
    if part.pixels is not None:
        return _convert(part.pixels, shape=shape, mode=mode, framing=framing)

    def decode(path: Path) -> np.ndarray:
        return frame(decode_image(path, mode=mode, at_least=max(size)), size=size, how=framing)

    if part.name == "input" or not len(part):  # what is predicted once need not be kept
        pixels = np.empty(shape, dtype=np.uint8)
        _fill(pixels, part, decode)
        return pixels
    key = f"{part.fingerprint} {mode} {framing}"
    return load_or_make(key, shape=shape, fill=lambda pixels_NHWC: _fill(pixels_NHWC, part, decode))


def _fill(pixels_NHWC: np.ndarray, part: ImagePart, decode: Callable[[Path], np.ndarray]) -> None:
    """Decode every file into its row, some files at a time, and raise all that went wrong at the end."""
    problems: list[Problem] = []
    for start in range(0, len(part), CHUNK):
        stop = min(start + CHUNK, len(part))
        for index, row in enumerate(map_files(_guarded(decode), part.files[start:stop]), start=start):
            if isinstance(row, ImageReadError):
                problems.append(_problem(part, index, row))
            else:
                pixels_NHWC[index] = row
    if problems:
        raise DataError(problems)


def _convert(pixels_NHWC: np.ndarray, *, shape: tuple[int, ...], mode: Literal["RGB", "L"], framing: Framing) -> np.ndarray:
    """Bring pixels to a shape [N, H, W, C]; those that have it are returned as they are."""
    if pixels_NHWC.shape == shape:
        # Torch warns of arrays that cannot be written to, such as those made from the bytes of a file.
        return np.require(pixels_NHWC, dtype=np.uint8, requirements=["C", "W"])
    converted = np.empty(shape, dtype=np.uint8)
    for index, pixels_HWC in enumerate(pixels_NHWC):
        image = Pillow.fromarray(pixels_HWC[:, :, 0] if pixels_HWC.shape[2] == 1 else pixels_HWC).convert(mode)
        converted[index] = frame(image, size=(shape[1], shape[2]), how=framing)
    return converted


def _measure(pixels_NHWC: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and deviation of each channel, of 255, from counts of the 256 values: exact, and the same each time."""
    every = max(1, -(-pixels_NHWC.size // SAMPLED_VALUES))
    values = np.arange(256, dtype=np.float64)
    means, deviations = [], []
    for channel in range(pixels_NHWC.shape[3]):
        counts = np.zeros(256, dtype=np.int64)
        for start in range(0, len(pixels_NHWC), CHUNK * every):
            counts += np.bincount(pixels_NHWC[start : start + CHUNK * every : every, :, :, channel].reshape(-1), minlength=256)
        mean = float(counts @ values / counts.sum())
        means.append(mean)
        deviations.append(max(SMALLEST_DEVIATION, float(np.sqrt(counts @ (values - mean) ** 2 / counts.sum()))))
    return tuple(means), tuple(deviations)


def _sample(part: ImagePart, count: int) -> ImagePart:
    """Return at most `count` evenly spaced images."""
    return part.select(np.unique(np.linspace(0, len(part) - 1, min(count, len(part))).astype(np.int64)))


def _read(part: ImagePart, function: Callable[[Path], Result]) -> list[Result]:
    """Call a function on each file.

    Raises:
        DataError: Some cannot be read; all of them are listed.
    """
    results = map_files(_guarded(function), part.files)
    problems = [_problem(part, index, found) for index, found in enumerate(results) if isinstance(found, ImageReadError)]
    if problems:
        raise DataError(problems)
    return [found for found in results if not isinstance(found, ImageReadError)]


def _guarded(function: Callable[[Path], Result]) -> Callable[[Path], Result | ImageReadError]:
    """Return a function that returns the error of a bad file, so that the others are still read."""

    def guarded(path: Path) -> Result | ImageReadError:
        try:
            return function(path)
        except ImageReadError as error:
            return error

    return guarded


def _problem(part: ImagePart, index: int, error: ImageReadError) -> Problem:
    """Say which image cannot be read and why."""
    return Problem(part.locate(index), str(error), "Replace the file or remove it.", item=index)


def _read_size(path: Path) -> tuple[int, int]:
    """Return height and width of an image as it is seen, from its header."""
    with open_image(path) as image:
        width, height = image.size
        try:
            is_turned = image.getexif().get(EXIF_ORIENTATION, 1) in range(5, 9)
        except Exception:  # a broken EXIF block says nothing about the pixels
            is_turned = False
        return (width, height) if is_turned else (height, width)


def _has_color(path: Path) -> bool:
    """Tell whether an image has any color, from a small version of it."""
    image = decode_image(path, at_least=SMALL_SIDE)
    image.thumbnail((SMALL_SIDE, SMALL_SIDE))
    pixels_HWC = np.asarray(image).astype(np.int16)
    return int((pixels_HWC.max(axis=2) - pixels_HWC.min(axis=2)).max()) > COLOR_TOLERANCE
