"""Images, as files to decode or as pixels, with their labels."""

import base64
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from tutelage.data.part.base import RowsPart, select_fingerprint
from tutelage.data.part.pixels import ChosenPixels, choose
from tutelage.data.part.sheet import draw_sheet
from tutelage.data.source.decode import ImageReadError, decode_image, quiet

__all__ = ["ImagePart", "picture"]

MAX_THUMBNAIL_CLASSES, THUMBNAILS_PER_CLASS = 12, 4
KEY_BYTES = 8
"""Bytes of a hash by which two pictures are told apart."""
THUMBNAIL_SIDE = 96


@dataclass(frozen=True)
class ImagePart(RowsPart):
    """Images, as files to decode or as pixels, with their labels.

    Attributes:
        name: `train`, `test` or `input`.
        files: One path per image; empty where `pixels` is given.
        pixels: uint8 [N, H, W, C] in 0..255, C = 1 or 3, or None where `files` is given; of a selection a view, not a copy.
        labels: One label per image (str or number), or None where there are none.
        names: One name per image as people know it, such as `cats/cat.17.jpg` or `image 17`.
        fingerprint: Hash of names, content and labels; a copied folder has the same.
        digests: SHA-256 of the content of each file; () where that is not known, or where `pixels` is given.
        pixel_range: The numbers that meant black and white, where images came as numbers with fractions.
    """

    kind: ClassVar[str] = "image"
    suits: ClassVar[str] = "image"
    target: ClassVar[str] = ""  # type: ignore[misc]
    name: str
    files: tuple[Path, ...]
    pixels: np.ndarray | ChosenPixels | None
    labels: np.ndarray | None
    names: tuple[str, ...]
    fingerprint: str
    digests: tuple[bytes, ...] = ()
    pixel_range: tuple[float, float] | None = None

    def __len__(self) -> int:
        return len(self.names)

    def locate(self, index: int) -> str:
        """Name one image."""
        return self.names[index]

    def select(self, indices: np.ndarray) -> "ImagePart":
        """Return the images at `indices`, in that order."""
        return replace(
            self,
            files=tuple(self.files[i] for i in indices) if self.files else (),
            pixels=None if self.pixels is None else choose(self.pixels, indices),
            labels=None if self.labels is None else self.labels[indices],
            names=tuple(self.names[i] for i in indices),
            fingerprint=select_fingerprint(self.fingerprint, indices),
            digests=tuple(self.digests[i] for i in indices) if self.digests else (),
        )

    def joined(self, other: "ImagePart") -> "ImagePart | None":
        """Return these images, and those of another part after them; None where one has files and the other pixels."""
        if bool(self.files) != bool(other.files):
            return None
        pixels = None
        if self.pixels is not None and other.pixels is not None:
            if self.pixels.shape[1:] != other.pixels.shape[1:]:
                return None
            pixels = np.concatenate([np.asarray(self.pixels[:]), np.asarray(other.pixels[:])])
        labels = None if self.labels is None or other.labels is None else np.concatenate([self.labels, other.labels])
        return replace(
            self,
            files=(*self.files, *other.files),
            pixels=pixels,
            labels=labels,
            names=(*self.names, *other.names),
            fingerprint=f"{self.fingerprint}+{other.fingerprint}",
            digests=(*self.digests, *other.digests) if self.digests and other.digests else (),
        )

    def renamed(self, name: str) -> "ImagePart":
        """Return the same rows under another name."""
        return replace(self, name=name)

    def show(self, index: int) -> dict[str, Any]:
        """Return the picture, made small."""
        if self.pixels is not None:
            return {"png": picture(self.pixels[index])}
        try:
            with quiet():
                image = decode_image(self.files[index], at_least=THUMBNAIL_SIDE)
        except ImageReadError:
            return {}
        image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        return {"png": picture(np.asarray(image))}

    def sheet(self, count: int) -> bytes | None:
        """Return the first pictures side by side as one PNG, row below row, small ones enlarged."""
        if self.pixels is None or not len(self):
            return None
        return draw_sheet(np.asarray(self.pixels[: min(count, len(self))]))

    def numbers(self) -> np.ndarray | None:
        """Return the pixels, uint8 [N, H, W, C]; None where these are files."""
        return None if self.pixels is None else np.asarray(self.pixels[:])

    def summary(self, examples: Mapping[str, Sequence[int]]) -> dict[str, Any]:
        """Return a few pictures of each class."""
        shown = [
            {"label": name, **self.show(int(row))}
            for name, rows in list(examples.items())[:MAX_THUMBNAIL_CLASSES]
            for row in rows[:THUMBNAILS_PER_CLASS]
        ]
        return {"thumbnails": shown} if shown else {}

    def row_digests(self) -> list[bytes] | np.ndarray | None:
        """Return the hash of each file, or the start of that of its pixels; computed once, at about 1 GB of pixels a second."""
        return self._digests

    @cached_property
    def _digests(self) -> list[bytes] | np.ndarray | None:
        if self.pixels is None:
            return list(self.digests) or None
        # The shape counts: 4 x 5 and 5 x 4 pixels can be the same bytes.
        start = hashlib.sha256(str(self.pixels.shape[1:]).encode())
        found = []
        for pixels_HWC in self.pixels:
            digest = start.copy()
            digest.update(np.ascontiguousarray(pixels_HWC).data)
            found.append(digest.digest()[:KEY_BYTES])
        return np.frombuffer(b"".join(found), dtype=np.uint64)


def picture(pixels_HWC: np.ndarray, *, side: int = THUMBNAIL_SIDE) -> str:
    """Return uint8 pixels as a base64 PNG, small ones enlarged without smoothing so that each pixel can be seen."""
    image = Image.fromarray(pixels_HWC[:, :, 0] if pixels_HWC.shape[2] == 1 else pixels_HWC)
    longer = max(image.size)
    if longer < side:
        image = image.resize((image.width * (side // longer), image.height * (side // longer)), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode()
