"""A folder of images with one subfolder per class, split into `train` and `test`, perhaps `val` too, or not.

```
photos/cats/1.jpg          photos/train/cats/1.jpg
photos/dogs/2.jpg          photos/test/dogs/2.jpg
                           photos/val/dogs/3.jpg
```
Where nothing is to be predicted (`target = none`), a part may also be a folder of images without classes.
Every file is opened and decoded once before training, so that nothing breaks in the middle of it. Not for images whose
labels stand in a table.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from tutelage.core.errors import DataProblem
from tutelage.data.part.base import RowsPart
from tutelage.data.part.image import ImagePart
from tutelage.data.source.class_folders import ClassFolders, Found, hash_files
from tutelage.data.source.class_tree import Meant
from tutelage.data.source.decode import MAX_PIXELS, ImageReadError, check_image, map_files, quiet
from tutelage.data.source.image_files import IMAGES, looks_like_image, looks_like_images

__all__ = ["ImageFolder"]

REMEDY = "Replace the file by a whole image, or remove it."


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What became of one file: the reason why it cannot be used or "", an oddity or "", and the hash of its content."""

    reason: str
    oddity: str
    digest: bytes


class ImageFolder(ClassFolders):
    """Images sorted into one folder per class."""

    kind: Literal["image_folder"] = "image_folder"
    can_lack_target: ClassVar[bool] = True
    meant: ClassVar[Meant] = IMAGES
    max_pixels: int = Field(
        MAX_PIXELS, ge=1, le=10**9, description="Largest width x height in pixels; larger images are refused before decoding."
    )

    @classmethod
    def recognizes(cls, path: str) -> bool:
        """Tell whether images lie anywhere below the folder, or whether the file is one (to predict on)."""
        place = Path(path)
        return looks_like_images(place) if place.is_dir() else place.is_file() and looks_like_image(place)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Keep Pillow's warnings quiet."""
        with quiet():
            yield

    def part_of(self, name: str, files: Sequence[Path], *, labels: np.ndarray | None, names: Sequence[str]) -> Found:
        """Decode every file once and keep those that can be used."""
        verdicts = map_files(self._judge, files)
        good = [index for index, verdict in enumerate(verdicts) if not verdict.reason]
        problems = tuple(
            DataProblem(names[index], verdict.reason, REMEDY, item=index)
            for index, verdict in enumerate(verdicts)
            if verdict.reason
        )
        kept = None if labels is None else labels[good]
        digests = tuple(verdicts[index].digest for index in good)
        part = ImagePart(
            name=name,
            files=tuple(files[index] for index in good),
            pixels=None,
            labels=kept,
            names=tuple(names[index] for index in good),
            fingerprint=hash_files([names[index] for index in good], digests, kept),
            digests=digests,
        )
        warnings = tuple(f"{names[i]}: {verdicts[i].oddity}" for i in good if verdicts[i].oddity)
        return Found(part=part, problems=problems, warnings=warnings)

    def relabelled(self, part: RowsPart, labels: np.ndarray) -> RowsPart:
        """Return the images with other labels."""
        assert isinstance(part, ImagePart)
        return replace(part, labels=labels, fingerprint=hash_files(part.names, part.digests, labels))

    def _judge(self, path: Path) -> _Verdict:
        """Decode one file."""
        if path.is_symlink() and not path.exists():
            return _Verdict("a link that leads nowhere", "", b"")
        try:
            oddity = check_image(path, max_pixels=self.max_pixels)
            with path.open("rb") as file:
                return _Verdict("", oddity, hashlib.file_digest(file, "sha256").digest())
        except ImageReadError as error:
            return _Verdict(str(error), "", b"")
        except OSError as error:
            return _Verdict(f"cannot be read ({error.strerror})", "", b"")
