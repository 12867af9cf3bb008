"""Images of any size and mode as equally large uint8 pixels, decoded once; normalized with the train mean and deviation.

Use it for pictures, from files or as pixels. Small images keep their size; photos are made smaller, because on the same
budget more passes over smaller pictures win.

Shape letters: N images, B batch, H height, W width, C channels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from tutelage.core.errors import DataError, DataProblem
from tutelage.core.shape.image import ImageShape
from tutelage.core.spec import Auto
from tutelage.core.typed import Finite, Positive, Size, take
from tutelage.data.augment.symmetry import try_mirror
from tutelage.data.part.base import Part
from tutelage.data.part.image import ImagePart
from tutelage.data.prepare.base import Fitted, Prepare
from tutelage.data.prepare.change import Change, say_value
from tutelage.data.prepare.framing import Framing, choose_size
from tutelage.data.prepare.image_files import SAMPLED_COLORS, SAMPLED_FILES, has_color, read_sample, read_size
from tutelage.data.prepare.image_intake import ImageIntake
from tutelage.data.prepare.pixels import MEMORY_BYTES, PixelFormat, measure, pixel_rows
from tutelage.data.rows.base import Rows

__all__ = ["Image", "FittedImage"]


Side = Annotated[int, Field(ge=1, le=4096)]
"""Pixels; images are looked at whole, and larger ones leave no memory for a network."""


class Image(Prepare):
    """Settings of the preprocessing of images."""

    kind: Literal["image"] = "image"
    size: Auto | Side | tuple[Side, Side] = Field(
        "auto", description="Side, or height and width, in pixels; auto = as they are, larger ones shrunk to max_size."
    )
    max_size: int = Field(96, ge=4, le=1024, description="Side in pixels that auto does not exceed; typical 64 to 224.")
    channels: Auto | Literal[1, 3] = Field("auto", description="1 = grey, 3 = color, auto = grey if no train image has color.")
    framing: Framing = Field("stretch", description="What becomes of images of another shape: stretch, crop or pad.")
    memory_bytes: int = Field(
        MEMORY_BYTES,
        ge=0,
        le=2**60,
        description="Pixels of a part that are made and take more bytes than this go to a temporary file.",
    )

    def fit(self, part: Part) -> "FittedImage":
        """Choose size and channels, and measure mean and deviation on the train images.

        Raises:
            DataError: Some file cannot be read; all of them are listed.
        """
        images = _as_images(part)
        size, channels = self._choose_size(images), self._choose_channels(images)
        mean, deviation = measure(images, PixelFormat(size, channels, self.framing, self.memory_bytes))
        return FittedImage(size, channels, self.framing, mean, deviation, self.memory_bytes, images.pixel_range)

    def restore(self, state: Mapping[str, Any]) -> "FittedImage":
        """Rebuild what `FittedImage.state` returned."""
        height, width = take(state, "size", list[Size])
        mean, deviation = tuple(take(state, "mean", list[Finite])), tuple(take(state, "deviation", list[Positive]))
        channels, framing = take(state, "channels", Literal[1, 3]), take(state, "framing", Framing)
        pixel_range: tuple[float, float] | None = None
        if "pixel_range" in state:
            low, high = take(state, "pixel_range", list[Finite])
            pixel_range = low, high
        return FittedImage((height, width), channels, framing, mean, deviation, self.memory_bytes, pixel_range)

    def _choose_size(self, images: ImagePart) -> tuple[int, int]:
        """Return height and width in pixels."""
        if isinstance(self.size, int):
            return self.size, self.size
        if isinstance(self.size, tuple):
            return self.size
        if images.pixels is not None:
            sizes_N2 = np.array([images.pixels.shape[1:3]])
        else:
            sizes_N2 = np.array(read_sample(images, read_size, count=SAMPLED_FILES))
        return choose_size(sizes_N2, limit=self.max_size)

    def _choose_channels(self, images: ImagePart) -> int:
        """Return 1 or 3."""
        if self.channels != "auto":
            return self.channels
        if images.pixels is not None:
            return int(images.pixels.shape[3])
        return 3 if any(read_sample(images, has_color, count=SAMPLED_COLORS)) else 1


@dataclass(frozen=True)
class FittedImage(Fitted):
    """Fitted preprocessing of images.

    Attributes:
        size: Height and width in pixels.
        channels: 1 or 3.
        framing: What becomes of images of another shape.
        mean: Of each channel, of 255.
        deviation: Standard deviation of each channel, of 255.
        memory_bytes: Pixels that are made and take more bytes go to a temporary file; a matter of the machine, so not kept.
        pixel_range: The numbers that meant black and white in train images, where these came as numbers with fractions.
    """

    row_form: ClassVar[str] = "picture"
    size: tuple[int, int]
    channels: int
    framing: Framing
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    memory_bytes: int = field(default=MEMORY_BYTES, compare=False)
    pixel_range: tuple[float, float] | None = None

    @property
    def shape(self) -> ImageShape:
        """What the model receives."""
        return ImageShape(channels=self.channels, height=self.size[0], width=self.size[1])

    def apply(self, part: Part) -> Rows:
        """Return `image`, uint8 [N, H, W, C]: as it was given, memory-mapped from the cache, or in a temporary file.

        Raises:
            DataError: Some file cannot be read; all of them are listed. Or there is no room for the pixels.
        """
        return pixel_rows(_as_images(part), PixelFormat(self.size, self.channels, self.framing, self.memory_bytes))

    def finisher(self) -> nn.Module:
        """Return the module that turns uint8 [B, H, W, C] into normalized float32 [B, C, H, W], channels last in memory."""
        return Normalize(self.mean, self.deviation)

    def undone(self) -> nn.Module:
        """Return the module that gives pixels, as `undo` but for the rounding."""
        return Pixels(self.mean, self.deviation)

    def intake(self) -> ImageIntake:
        """Return the way from pictures of any size."""
        return ImageIntake(self.size, self.channels, self.framing, self.finisher())

    def adapted(self, part: Part) -> "FittedImage":
        """Return the same for pictures that come as other numbers, or as files."""
        return replace(self, pixel_range=_as_images(part).pixel_range)

    def reading(self) -> dict[str, Any]:
        """Return which numbers mean black and white, so that a single image is read as all of them were."""
        return {} if self.pixel_range is None else {"pixel_range": list(self.pixel_range)}

    def undo(self, samples: Tensor) -> ImagePart:
        """Return normalized pictures float32 [N, C, H, W] as pixels, rounded and cut off at 0 and 255."""
        deviation, mean = (torch.tensor(values)[:, None, None] for values in (self.deviation, self.mean))
        pixels = (samples * deviation + mean).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
        names = tuple(f"picture {number}" for number in range(1, len(samples) + 1))
        return ImagePart("generated", (), pixels.contiguous().numpy(), None, names, fingerprint="")

    def say(self) -> str:
        """Write size and color."""
        return f"{self.shape.say()}, normalized"

    def changes(self, part: Any, row: int) -> list[Change]:
        """Return what becomes of one picture's pixels: size, and the range before and after."""
        # Under this name nothing of it is kept for another time.
        alone = _as_images(part).select(np.array([row])).renamed("input")
        pixels = self.apply(alone).take(torch.zeros(1, dtype=torch.int64))
        finished_CHW = self.finisher()(pixels)["image"][0]
        names = ("red", "green", "blue") if self.channels == 3 else ("grey",)
        found = [Change("size", "as in the file", self.shape.say(), f"the same for all pictures ({self.framing})")]
        for number, name in enumerate(names):
            before, after = pixels["image"][0, ..., number], finished_CHW[number]
            mean, std = say_value(self.mean[number]), say_value(self.deviation[number])
            range_after = f"{say_value(float(after.min()))} to {say_value(float(after.max()))}"
            how = f"(pixel - {mean}) / {std}, mean and deviation of all train pictures"
            found.append(Change(name, f"{int(before.min())} to {int(before.max())} of 255", range_after, how))
        return found

    def traits(self, rows: Rows, target: np.ndarray | None) -> dict[str, str]:
        """Tell under `mirror` whether mirror images keep their meaning, `yes` or `no`."""
        if target is None:
            return {}
        return {"mirror": "yes" if try_mirror(_Pictures(rows), target).keeps_meaning else "no"}

    def state(self) -> dict[str, Any]:
        """Return all that was fitted as JSON values."""
        values = {"size": list(self.size), "channels": self.channels, "framing": self.framing}
        return values | {"mean": list(self.mean), "deviation": list(self.deviation), **self.reading()}


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


class Pixels(nn.Module):
    """From normalized [B, C, H, W] to pixel values 0 to 255, float32 [B, H, W, C]."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean), persistent=False)
        self.register_buffer("std", torch.tensor(std), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Return pixel values, still to be rounded."""
        return (samples.permute(0, 2, 3, 1) * self.std + self.mean).clamp(0, 255)


@dataclass(frozen=True)
class _Pictures:
    """Prepared rows as an array of which only what is asked for is read."""

    rows: Rows

    def __getitem__(self, numbers: np.ndarray, /) -> np.ndarray:
        return self.rows.take(torch.from_numpy(numbers))["image"].numpy()


def _as_images(part: Part) -> ImagePart:
    """Return the part if it holds images.

    Raises:
        DataError: It does not.
    """
    if isinstance(part, ImagePart):
        return part
    raise DataError([DataProblem(part.name, "these are not images", "Give an image folder, or idx files.")])
