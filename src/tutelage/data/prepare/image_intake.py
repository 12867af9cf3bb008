"""Resizing inside an exported graph, as Pillow does it to the last bit; then normalizing.

Pillow resizes along rows and then along columns, each with whole-number weights of 22 bits and rounding to bytes, after large
pictures were averaged over blocks. Each of the three is a product with a matrix whose entries follow from the picture's size, so
one graph takes pictures of any size. In float64 all sums are exact.

Source: Pillow, `src/libImaging/Resample.c`, `Reduce.c` and `Image.resize`. Differs from it: matrices in place of loops.

Shape letters: B batch, H and W height and width of the picture, C channels, X places along one side, O places of the result.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from PIL import Image as Pillow
from torch import Tensor, nn

from tutelage.core.errors import DataError
from tutelage.data.part.base import RowsPart
from tutelage.data.part.image import ImagePart
from tutelage.data.prepare.framing import Framing
from tutelage.data.prepare.image_files import unreadable
from tutelage.data.prepare.intake import Feed, Intake, RawInput
from tutelage.data.source.decode import ImageReadError, decode_image, quiet

__all__ = ["ImageIntake", "Resize"]

WEIGHT_BITS, BLOCK_BITS = 22, 24
"""Of the whole-number weights of resizing, and of averaging over blocks."""
SUPPORT = 2.0
"""Places on each side that the cubic filter looks at, at scale 1."""
SHARPNESS = -0.5
"""The parameter of the cubic filter: R. Keys, 1981."""
GAP = 3.0
"""Blocks are averaged while the picture stays at least so many times larger than the result."""
MOST_LEFT, MARGIN = 6, 24
"""Times the result's length that a side has at most after averaging, and places for the filter's reach."""


@dataclass(frozen=True)
class ImageIntake(Intake):
    """Pictures of any size.

    Attributes:
        size: Height and width that the network sees.
        channels: 1 or 3.
        framing: What becomes of other shapes.
        finisher: Turns uint8 [B, H, W, C] of that size into what the network takes.
    """

    size: tuple[int, int]
    channels: int
    framing: Framing
    finisher: nn.Module

    @property
    def inputs(self) -> tuple[RawInput, ...]:
        """One: the pixels."""
        colors = "red, green, blue" if self.channels == 3 else "grey"
        meaning = f"pixels 0 to 255 ({colors}) of upright pictures of any one size; transparency laid on white"
        sizes = {"height": self.size[0] + 3, "width": self.size[1] + 5}
        return (RawInput("image", "uint8", ("height", "width", self.channels), meaning, example=sizes),)

    def module(self) -> nn.Module:
        """Return the module that resizes and normalizes."""
        return nn.Sequential(Resize(self.size, self.framing), self.finisher)

    def feed(self, part: RowsPart) -> Feed:
        """Yield each picture as it was decoded; neighbors of equal size together."""
        assert isinstance(part, ImagePart)
        problems, held = [], list[tuple[int, np.ndarray]]()
        for row in range(len(part)):
            try:
                pixels_HWC = self._pixels(part, row)
            except ImageReadError as error:
                problems.append(unreadable(part, row, error))
                continue
            if held and (held[0][1].shape != pixels_HWC.shape or len(held) == 32):
                yield from _batch(held)
                held = []
            held.append((row, pixels_HWC))
        if problems:
            raise DataError(problems)
        yield from _batch(held)

    def recipe(self) -> dict[str, Any]:
        """Return how files are decoded."""
        told = (
            "decode to 8 bits, turned as EXIF says, transparency laid on white; a JPEG may be decoded at 1/2, 1/4 or 1/8 of its "
        )
        return {"image": {"decode": f"{told}size while both sides stay at least {max(self.size)} pixels (predict does)",
                          "mode": "RGB" if self.channels == 3 else "L", "at_least": max(self.size)}}  # fmt: skip

    def _pixels(self, part: ImagePart, row: int) -> np.ndarray:
        """Return one picture as pixels of the model's channels, not resized."""
        mode: Any = "RGB" if self.channels == 3 else "L"
        if part.pixels is not None:
            pixels_HWC = part.pixels[row]
            if pixels_HWC.shape[2] == self.channels:
                return np.asarray(pixels_HWC)
            image = Pillow.fromarray(pixels_HWC[:, :, 0] if pixels_HWC.shape[2] == 1 else pixels_HWC).convert(mode)
        else:
            with quiet():
                image = decode_image(part.files[row], mode=mode, at_least=max(self.size))
        found = np.asarray(image)
        return found[:, :, None] if found.ndim == 2 else found


def _batch(held: list[tuple[int, np.ndarray]]) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
    if held:
        yield np.array([row for row, _ in held]), {"image": np.stack([pixels for _, pixels in held])}


class Resize(nn.Module):
    """Pictures uint8 [B, H, W, C] of any size to [B, *size, C]."""

    def __init__(self, size: tuple[int, int], framing: Framing) -> None:
        super().__init__()
        self.size, self.framing = size, framing

    def forward(self, raw: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return `image`, uint8 values as float32."""
        image_BCHW = raw["image"].permute(0, 3, 1, 2).double()
        tall, wide = _length(image_BCHW.shape[2]), _length(image_BCHW.shape[3])
        height, width = self.size
        if self.framing == "pad":
            resized = self._padded(image_BCHW, tall, wide)
        else:
            down, right = _Side(tall, height), _Side(wide, width)
            if self.framing == "crop":
                scale = torch.minimum(wide / width, tall / height)
                down, right = down.cropped(height * scale), right.cropped(width * scale)
            resized = _resized(image_BCHW, down, right)
        return {**raw, "image": resized.permute(0, 2, 3, 1).float()}

    def _padded(self, image_BCHW: Tensor, tall: Tensor, wide: Tensor) -> Tensor:
        """Return the whole picture in the middle, around it its mean color."""
        height, width = self.size
        scale = torch.minimum(width / wide, height / tall)
        inner = [torch.clamp(torch.round(side * scale), min=1.0) for side in (tall, wide)]
        sides = [_Side(side, most, inner=own) for side, most, own in zip((tall, wide), self.size, inner, strict=True)]
        resized = _resized(image_BCHW, *sides)
        rows, columns = (_whole_weights(_box_weights(image_BCHW[0, 0].select(1 - side, 0))) for side in range(2))
        mean_BC11 = _both_ways(image_BCHW, rows, columns, lost=(tall - 1, wide - 1))
        return torch.where(sides[0].is_inside[:, None] & sides[1].is_inside, resized, mean_BC11)


class _Side:
    """One side of a picture: which places of the result come of which places of the picture."""

    def __init__(self, length: Tensor, size: int, *, inner: Tensor | None = None) -> None:
        """Take all of a side.

        Args:
            length: Places of the picture, float64 [1].
            size: Places of the result.
            inner: How many of these are filled, in the middle, float64 [1]; None = all.
        """
        self.length, self.size = length, size
        self.inner = torch.full_like(length, float(size)) if inner is None else inner
        self.begin, self.end = torch.zeros_like(length), length
        self.offset = torch.zeros_like(length)

    def cropped(self, kept: Tensor) -> "_Side":
        """Keep the middle of the side."""
        self.begin = (self.length - kept) / 2
        self.end = self.begin + kept
        return self

    @property
    def places(self) -> Tensor:
        """The number of each place of the result among those that are filled."""
        first = torch.floor((self.size - self.inner) / 2)
        return torch.arange(self.size, dtype=torch.float64) - first

    @property
    def is_inside(self) -> Tensor:
        """Bool [O]."""
        return (self.places >= 0) & (self.places < self.inner)

    @property
    def block(self) -> Tensor:
        """Places that are averaged first, float64 [1]."""
        return torch.clamp(torch.floor((self.end - self.begin) / self.inner / GAP), min=1.0)

    def blocks(self, block: Tensor, is_reduced: Tensor, count: int) -> tuple[Tensor, Tensor, "_Side"]:
        """Return the matrix of averaging [X', X], how many places each block has [X'], and the side that is left.

        Args:
            block: Places in a block.
            is_reduced: Whether anything is averaged along either side.
            count: X, places of the picture.
        """
        scale = (self.end - self.begin) / self.inner
        reach = torch.where(is_reduced, (SUPPORT - 0.5) * scale, SUPPORT * torch.clamp(scale, min=1.0) + 1)
        # What the filter cannot reach is left out; else a narrow middle of a wide picture would not fit.
        low = torch.clamp(torch.trunc(self.begin - reach), min=0.0)
        high = torch.minimum(torch.ceil(self.end + reach), self.length)
        place_X = torch.arange(count, dtype=torch.float64)
        number_X = torch.floor((place_X - low) / block)
        is_used_X = (place_X >= low) & (place_X < high)
        most = MOST_LEFT * self.size + MARGIN
        member = (number_X == torch.arange(most, dtype=torch.float64)[:, None]) & is_used_X
        weight = member.double()
        left = _Side(torch.where(is_reduced, torch.ceil((high - low) / block), self.length), self.size, inner=self.inner)
        left.begin = torch.where(is_reduced, (self.begin - low) / block, self.begin)
        left.end = torch.where(is_reduced, (self.end - low) / block, self.end)
        left.offset = torch.where(is_reduced, 0.0, low)
        return weight, weight.sum(dim=1), left

    def weights(self, count: int) -> Tensor:
        """Return the weights of the cubic filter, whole numbers, float64 [O, X]."""
        # Pillow holds the bounds in 32 bits.
        begin, end = self.begin.float(), self.end.float()
        scale = (end - begin).double() / self.inner
        stretch = torch.clamp(scale, min=1.0)
        center_O1 = (begin.double() + (self.places + 0.5) * scale)[:, None]
        reach = SUPPORT * stretch
        first_O1 = torch.clamp(torch.trunc(center_O1 - reach + 0.5), min=0.0)
        last_O1 = torch.minimum(torch.trunc(center_O1 + reach + 0.5), self.length)
        place_X = torch.arange(count, dtype=torch.float64) + self.offset
        weight_OX = _cubic((place_X - center_O1 + 0.5) * (1.0 / stretch))
        weight_OX = torch.where((place_X >= first_O1) & (place_X < last_O1), weight_OX, 0.0)
        weight_OX = torch.where(self.is_inside[:, None], weight_OX, 0.0)
        total_O1 = weight_OX.sum(dim=1, keepdim=True)
        return _whole_weights(weight_OX * (1.0 / torch.where(total_O1 == 0, 1.0, total_O1)))


def _resized(image_BCHW: Tensor, down: _Side, right: _Side) -> Tensor:
    """Return uint8 values [B, C, *size]: averaged over blocks, then along rows, then along columns."""
    blocks = down.block, right.block
    is_reduced = (blocks[0] > 1) | (blocks[1] > 1)
    rows, tall, down = down.blocks(blocks[0], is_reduced, image_BCHW.shape[2])
    columns, wide, right = right.blocks(blocks[1], is_reduced, image_BCHW.shape[3])
    sum_BCYX = rows @ image_BCHW @ columns.T
    count_YX = tall[:, None] * wide
    share_YX = torch.floor(2.0**32 / (2.0**8 * torch.clamp(count_YX, min=1.0)).float()).double()
    mean_BCYX = torch.floor((sum_BCYX + torch.floor(count_YX / 2)) * share_YX / 2.0**BLOCK_BITS)
    rows, columns = down.weights(mean_BCYX.shape[2]), right.weights(mean_BCYX.shape[3])
    return _both_ways(mean_BCYX, rows, columns, lost=(down.length - down.inner, right.length - right.inner))


def _both_ways(image_BCHW: Tensor, rows: Tensor, columns: Tensor, *, lost: tuple[Tensor, Tensor]) -> Tensor:
    """Return the products with both matrices, each rounded to bytes, in the order that Pillow chooses.

    Args:
        image_BCHW: The picture.
        rows: [O, H], along columns.
        columns: [O, W], along rows.
        lost: How many places are fewer afterwards, from top to bottom and from left to right.
    """
    across_first = _rounded(rows @ _rounded(image_BCHW @ columns.T))
    if not can_begin_downwards():
        return across_first
    downwards_first = _rounded(_rounded(rows @ image_BCHW) @ columns.T)
    return torch.where((lost[0] > 0) & (lost[0] > 2 * lost[1]), downwards_first, across_first)


@cache
def can_begin_downwards() -> bool:
    """Tell whether this Pillow resizes along columns first where that loses more: newer ones do, older ones never."""
    pixels = (np.arange(60)[:, None] * 37 + np.arange(60) ** 2 * 11).astype(np.uint8)
    whole = Pillow.fromarray(pixels)
    across = whole.resize((50, 60), Pillow.Resampling.BICUBIC).resize((50, 30), Pillow.Resampling.BICUBIC)
    return bool((np.asarray(across) != np.asarray(whole.resize((50, 30), Pillow.Resampling.BICUBIC))).any())


def _cubic(distance: Tensor) -> Tensor:
    """Return the cubic filter, as Pillow computes it."""
    x = distance.abs()
    near = ((SHARPNESS + 2.0) * x - (SHARPNESS + 3.0)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * SHARPNESS
    return torch.where(x < 1.0, near, torch.where(x < SUPPORT, far, 0.0))


def _box_weights(place_X: Tensor) -> Tensor:
    """Return equal weights of all places, float64 [1, X]: what `Resampling.BOX` does on the way to one pixel."""
    ones_X = torch.ones_like(place_X)
    return (ones_X / ones_X.sum())[None]


def _whole_weights(weight: Tensor) -> Tensor:
    """Round weights to whole numbers of `WEIGHT_BITS` bits, halves away from zero."""
    scaled = weight * 2.0**WEIGHT_BITS
    return torch.trunc(torch.where(scaled < 0, scaled - 0.5, scaled + 0.5))


def _rounded(sums: Tensor) -> Tensor:
    """Return sums of whole-number weights as bytes."""
    return torch.clamp(torch.floor((sums + 2.0 ** (WEIGHT_BITS - 1)) / 2.0**WEIGHT_BITS), 0.0, 255.0)


def _length(size: Any) -> Tensor:
    """Return a dimension, which may differ from call to call, as float64 [1]."""
    return torch.arange(size, dtype=torch.float64)[-1:] + 1
