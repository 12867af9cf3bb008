"""A folder of images with one subfolder per class, split into `train` and `test`, perhaps `val` too, or not.

```
photos/cats/1.jpg          photos/train/cats/1.jpg
photos/dogs/2.jpg          photos/test/dogs/2.jpg
                           photos/val/dogs/3.jpg
```
Every file is opened and decoded once before training, so that nothing breaks in the middle of it. Not for images whose
labels stand in a table.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from tutelage.core.errors import DataError, DataProblem, UsageError
from tutelage.core.names import readable
from tutelage.data.part.image import ImagePart
from tutelage.data.source.base import Collected, Source
from tutelage.data.source.class_names import match_labels
from tutelage.data.source.decode import MAX_PIXELS, ImageReadError, check_image, map_files, quiet
from tutelage.data.source.image_tree import (
    Layout,
    Listing,
    broken_links,
    find_layout,
    list_files,
    looks_like_image,
    looks_like_images,
    loose_files,
    subfolders,
)

__all__ = ["ImageFolder"]

REMEDY = "Replace the file by a whole image, or remove it."


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What became of one file: the reason why it cannot be used or "", an oddity or "", and the hash of its content."""

    reason: str
    oddity: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class _Found:
    """A part with what was found on the way to it."""

    part: ImagePart
    problems: tuple[DataProblem, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


class ImageFolder(Source):
    """Images sorted into one folder per class."""

    kind: Literal["image_folder"] = "image_folder"
    has_targets: ClassVar[bool] = False
    is_last_resort: ClassVar[bool] = True  # any folder with an image somewhere below will do
    max_pixels: int = Field(
        MAX_PIXELS, ge=1, le=10**9, description="Largest width x height in pixels; larger images are refused before decoding."
    )

    @classmethod
    def recognizes(cls, path: str) -> bool:
        """Tell whether images lie anywhere below the folder, or whether the file is one (to predict on)."""
        place = Path(path)
        return looks_like_images(place) if place.is_dir() else place.is_file() and looks_like_image(place)

    def collect(self) -> Collected:
        """Read all parts; every image is decoded once."""
        root = _existing(self.path)
        if not root.is_dir():
            raise UsageError(f"{root}: one image is not enough to learn from. Give a folder with one subfolder per class.")
        layout = find_layout(root)
        folders, notes = self._other_folders(layout, root)
        with quiet():
            train = self._read_part("train", layout.train, root=root)
            others = {name: self._read_part(name, folder, root=place) for name, (folder, place) in folders.items()}
        problems = [*train.problems, *_class_problems(train.part)]
        if not len(train.part):
            raise DataError(problems)
        notes, warnings = [*layout.notes, *notes, *train.notes], [*train.warnings]
        parts: dict[str, ImagePart] = {}
        for name, found in others.items():
            parts[name], more_problems, more_warnings = _fit_to_train(found, train)
            problems += [*found.problems, *more_problems]
            notes += found.notes
            warnings += [*found.warnings, *more_warnings]
        return Collected(
            name=root.resolve().name,
            train=train.part,
            test=parts.get("test"),
            validation=parts.get("validation"),
            problems=tuple(problems),
            notes=tuple(notes),
            warnings=tuple(warnings),
        )

    def _other_folders(self, layout: Layout, root: Path) -> tuple[dict[str, tuple[Path, Path]], list[str]]:
        """Return the folders of the test and validation parts, each with the folder that names are told from, and notes."""
        test, validation, name = layout.test, layout.validation, layout.train.name
        folders: dict[str, tuple[Path, Path]] = {}
        notes: list[str] = []
        if self.test:
            place = _existing(self.test)
            folders["test"] = find_layout(place).judged, place
        elif test is not None:
            folders["test"] = test, root
        elif validation is not None:
            folders["test"] = validation, root
            notes.append(f"{validation.name} is used as the test part: opened once, at the end; validation is cut from {name}")
        if validation is not None and not notes:
            folders["validation"] = validation, root
            notes.append(
                f"{validation.name} is the validation part. To have one cut from {name} instead: --set split.validation=0.1"
            )
        return folders, notes

    def read_input(self, paths: Sequence[str]) -> tuple[ImagePart, tuple[DataProblem, ...]]:
        """Read images to predict on: files, folders of images, or folders of class folders, which give labels.

        Of a folder with `train` and `test` parts the test part is read. Labels are there only if every image has one.
        """
        files: list[Path] = []
        labels: list[str | None] = []
        problems: list[DataProblem] = []
        with quiet():
            for path in map(_existing, paths):
                listings = _labelled(path) if path.is_dir() else [(None, Listing((path,), Counter(), ()))]
                for label, listing in listings:
                    files += listing.files
                    labels += [label] * len(listing.files)
                    problems += listing.problems
        if not files:
            raise DataError([*problems, DataProblem(", ".join(paths), "no images there", "Give image files or folders of them.")])
        known = None if None in labels else _objects(labels)
        found = self._verified("input", files, labels=known, names=[readable(str(file)) for file in files])
        return found.part, (*problems, *found.problems)

    def _read_part(self, name: str, folder: Path, *, root: Path) -> _Found:
        """List and verify the images of all class folders of a part."""
        classes, problems = _class_folders(folder, root=root)
        files: list[Path] = []
        labels: list[str] = []
        ignored: Counter[str] = Counter()
        followed: list[Path] = []
        skipped = subfolders(folder, that_loop=True)
        known: set[str] = set()
        for sub in classes:
            listing = list_files(sub)
            files += listing.files
            name_of_class = readable(sub.name)
            if name_of_class in known:
                remedy = "Rename one of them."
                problems.append(DataProblem(_short(sub, root), f"two folders make the class {name_of_class!r}", remedy))
            known.add(name_of_class)
            labels += [name_of_class] * len(listing.files)
            ignored += listing.ignored
            problems += listing.problems
            followed += listing.followed
            skipped += listing.skipped
            if not listing.files:
                problems.append(DataProblem(_short(sub, root), "a class folder without images", "Add images, or remove it."))
        found = self._verified(name, files, labels=_objects(labels), names=[_short(file, root) for file in files])
        stray = loose_files(folder) if classes else []
        warnings = [f"{len(stray):,} files beside the class folders of {folder.name} have no class: not used"] if stray else []
        warnings += [f"{_short(link, root)}: a link that leads nowhere, not used" for link in broken_links(folder)]
        counts = ", ".join(f"{count:,} x {kind}" for kind, count in sorted(ignored.items()))
        notes = [
            f"{name}: passed over {counts}" if ignored else "",
            _say_links(f"{name}: not read, since what they lead to is read already", skipped, root),
            _say_links(f"{name}: followed links to folders", followed, root),
        ]
        return _Found(
            part=found.part,
            problems=(*problems, *found.problems),
            notes=tuple(note for note in notes if note),
            warnings=(*warnings, *found.warnings),
        )

    def _verified(self, name: str, files: Sequence[Path], *, labels: np.ndarray | None, names: Sequence[str]) -> _Found:
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
            fingerprint=_fingerprint([names[index] for index in good], digests, kept),
            digests=digests,
        )
        warnings = tuple(f"{names[i]}: {verdicts[i].oddity}" for i in good if verdicts[i].oddity)
        return _Found(part=part, problems=problems, notes=(), warnings=warnings)

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


def _class_folders(folder: Path, *, root: Path) -> tuple[list[Path], list[DataProblem]]:
    """Return the class folders of a part, and a problem for each one that leads to the folder of another class."""
    owners: dict[Path, Path] = {}
    problems: list[DataProblem] = []
    for sub in sorted(subfolders(folder), key=lambda path: path.is_symlink()):  # a link is the double, not what it leads to
        owner = owners.setdefault(sub.resolve(), sub)
        if owner != sub:
            found = f"leads to the same folder as class {owner.name}"
            problems.append(DataProblem(_short(sub, root), found, "Remove one of them: an image has one class."))
    return [sub for sub in subfolders(folder) if sub in owners.values()], problems


def _say_links(what: str, links: Sequence[Path], root: Path) -> str:
    """Tell of some links, or nothing where there are none."""
    shown = ", ".join(_short(link, root) for link in links[:5]) + (" ..." if len(links) > 5 else "")
    return f"{what}: {len(links):,} ({shown})" if links else ""


def _class_problems(part: ImagePart) -> list[DataProblem]:
    """Find what keeps a training part from being learned as classes."""
    classes = sorted(set(part.labels if part.labels is not None else ()))
    if len(classes) > 1:
        return []
    found = f"only one class ({classes[0]})" if classes else "no images in class folders"
    return [DataProblem("train", found, "Give at least two folders, named by their class, with images in each.")]


def _fit_to_train(other: _Found, train: _Found) -> tuple[ImagePart, list[DataProblem], list[str]]:
    """Bring labels of another part to the spelling of the training part, and leave images of unknown classes out."""
    part, name = other.part, other.part.name
    if not len(part):
        return part, [DataProblem(name, "no images in class folders", f"Add them, or remove the empty {name} part.")], []
    classes = set(train.part.labels if train.part.labels is not None else ())
    matched = match_labels(part.labels if part.labels is not None else [], classes, part=name)
    unknown: defaultdict[str, list[int]] = defaultdict(list)
    for row in np.flatnonzero(matched.unknown).tolist():
        unknown[matched.labels[row]].append(row)
    problems = [
        DataProblem(
            f"{name}, class {label}",
            f"{len(rows):,} images of a class that the training part does not have, such as {part.names[rows[0]]}",
            "Rename the folder as in the training part, or remove it.",
            items=tuple(rows),
        )
        for label, rows in sorted(unknown.items())
    ]
    keep = np.flatnonzero(~matched.unknown)
    if not len(keep):
        problems.append(DataProblem(name, "no image is of a class of the training part", "Name its folders as in training."))
    fingerprint = _fingerprint(part.names, part.digests, matched.labels)
    part = replace(part, labels=matched.labels, fingerprint=fingerprint)
    return part if len(keep) == len(part) else part.select(keep), problems, list(matched.warnings)


def _labelled(folder: Path) -> list[tuple[str | None, Listing]]:
    """List the images of a folder, with labels if they all lie in class folders."""
    layout = find_layout(folder)
    base = layout.judged
    if loose_files(base):
        return [(None, list_files(base))]
    return [(readable(sub.name), list_files(sub)) for sub in subfolders(base)]


def _existing(path: str) -> Path:
    """Return the path, which must exist."""
    if not Path(path).exists():
        raise UsageError(f"{path}: no such file or folder.")
    return Path(path)


def _short(path: Path, root: Path) -> str:
    """Name a file as seen from the folder that was given."""
    return readable(path.relative_to(root).as_posix())


def _objects(labels: Sequence[str | None]) -> np.ndarray:
    """Return labels as an object array."""
    values = np.empty(len(labels), dtype=object)
    values[:] = labels
    return values


def _fingerprint(names: Sequence[str], digests: Sequence[bytes], labels: np.ndarray | None) -> str:
    """Hash names, contents and labels."""
    shown = labels.tolist() if labels is not None else [""] * len(names)
    lines = (f"{name}\0{digest.hex()}\0{label}\n" for name, digest, label in zip(names, digests, shown, strict=True))
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
