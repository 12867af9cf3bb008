"""What sources share whose files lie in one folder per class, split into `train` and `test`, perhaps `val` too, or not.

A kind of such a source says which files count and makes a part of them; layouts, links, class names, and what keeps files
from being learned as classes are the same for all.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from tutelage.core.errors import DataError, DataProblem, UsageError
from tutelage.core.names import readable
from tutelage.data.part.base import RowsPart
from tutelage.data.source.base import Collected, Source
from tutelage.data.source.class_names import match_labels
from tutelage.data.source.class_tree import (
    Layout,
    Listing,
    Meant,
    broken_links,
    find_layout,
    list_files,
    loose_files,
    subfolders,
    walk,
)
from tutelage.data.source.missing import say_missing
from tutelage.data.source.target import NO_TARGET

__all__ = ["ClassFolders", "Found", "existing", "hash_files"]


@dataclass(frozen=True, slots=True)
class Found:
    """A part with what was found on the way to it."""

    part: RowsPart
    problems: tuple[DataProblem, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class ClassFolders(Source):
    """Files sorted into one folder per class."""

    has_targets: ClassVar[bool] = False
    is_last_resort: ClassVar[bool] = True  # any folder with such a file somewhere below will do
    meant: ClassVar[Meant]
    """Which files count."""
    aside: ClassVar[tuple[str, ...]] = ()
    """Names of folders whose files have no class, in small letters; left out where there are classes without them."""

    @classmethod
    def count_files(cls, path: str) -> int:
        """Return how many files in folders of the folder have such names."""
        place = Path(path)
        return (
            sum(depth > 0 and file.name.casefold().endswith(cls.meant.suffixes) for file, depth in walk(place))
            if place.is_dir()
            else 0
        )

    def part_of(self, name: str, files: Sequence[Path], *, labels: np.ndarray | None, names: Sequence[str]) -> Found:
        """Read every file once and keep those that can be used.

        Args:
            name: Of the part.
            files: All of them.
            labels: One a file, or None.
            names: What people know each file by.
        """
        raise NotImplementedError

    def relabelled(self, part: RowsPart, labels: np.ndarray) -> RowsPart:
        """Return a part of `part_of` with other labels."""
        raise NotImplementedError

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Be entered while files are listed and read."""
        yield

    def collect(self) -> Collected:
        """Read all parts; every file is read once."""
        root = existing(self.path)
        if not root.is_dir():
            alone = f"{root}: one {self.meant.noun} is not enough to learn from"
            meant = f"of {self.meant.noun}s" if self.target == NO_TARGET else "with one subfolder per class"
            raise UsageError(f"{alone}. Give a folder {meant}.")
        layout = find_layout(root, self.meant)
        folders, notes = self._other_folders(layout, root)
        with self.reading():
            train = self._read_part("train", layout.train, root=root)
            others = {name: self._read_part(name, folder, root=place) for name, (folder, place) in folders.items()}
        problems = [*train.problems, *self._class_problems(train.part)]
        if not len(train.part):
            raise DataError(problems)
        notes, warnings = [*layout.notes, *notes, *train.notes], [*train.warnings]
        parts: dict[str, RowsPart] = {}
        for name, found in others.items():
            parts[name], more_problems, more_warnings = self._fit_to_train(found, train)
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
            place = existing(self.test)
            folders["test"] = find_layout(place, self.meant).judged, place
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

    def read_input(self, paths: Sequence[str]) -> tuple[RowsPart, tuple[DataProblem, ...]]:
        """Read files to predict on: files, folders of them, or folders of class folders, which give labels.

        Of a folder with `train` and `test` parts the test part is read. Labels are there only if every file has one.
        """
        files: list[Path] = []
        labels: list[str | None] = []
        problems: list[DataProblem] = []
        with self.reading():
            for path in map(existing, paths):
                listings = self._labelled(path) if path.is_dir() else [(None, Listing((path,), Counter(), ()))]
                for label, listing in listings:
                    files += listing.files
                    labels += [label] * len(listing.files)
                    problems += listing.problems
        if not files:
            noun = self.meant.noun
            remedy = f"Give {noun} files or folders of them."
            raise DataError([*problems, DataProblem(", ".join(paths), f"no {noun}s there", remedy)])
        known = None if None in labels else _objects(labels)
        found = self.part_of("input", files, labels=known, names=[readable(str(file)) for file in files])
        return found.part, (*problems, *found.problems)

    def _read_part(self, name: str, folder: Path, *, root: Path) -> Found:
        """List and read the files of a part: those of all class folders, or all below it where classes are nothing."""
        has_classes = len(subfolders(folder)) > 1 and not loose_files(folder, self.meant)
        # Where nothing is to be predicted, classes that are there still tell by what samples are compared.
        read = self._read_classes if has_classes or self.target != NO_TARGET else self._read_all
        return read(name, folder, root=root)

    def _read_all(self, name: str, folder: Path, *, root: Path) -> Found:
        """List and read all files below a folder, without labels."""
        listing = list_files(folder, self.meant)
        found = self.part_of(name, listing.files, labels=None, names=[_short(file, root) for file in listing.files])
        notes = _say_listing(name, listing, root=root)
        return replace(found, problems=(*listing.problems, *found.problems), notes=(*notes, *found.notes))

    def _read_classes(self, name: str, folder: Path, *, root: Path) -> Found:
        """List and read the files of all class folders of a part."""
        classes, problems = self._class_folders(folder, root=root)
        classes, unlabelled = self._without_aside(classes)
        files: list[Path] = []
        labels: list[str] = []
        ignored: Counter[str] = Counter()
        firsts: dict[str, Path] = {}
        followed: list[Path] = []
        skipped = subfolders(folder, that_loop=True)
        known: set[str] = set()
        for sub in classes:
            listing = list_files(sub, self.meant)
            files += listing.files
            name_of_class = readable(sub.name)
            if name_of_class in known:
                remedy = "Rename one of them."
                problems.append(DataProblem(_short(sub, root), f"two folders make the class {name_of_class!r}", remedy))
            known.add(name_of_class)
            labels += [name_of_class] * len(listing.files)
            ignored += listing.ignored
            firsts = {**listing.firsts, **firsts}
            problems += listing.problems
            followed += listing.followed
            skipped += listing.skipped
            if not listing.files:
                found_none, remedy = f"a class folder without {self.meant.noun}s", f"Add {self.meant.noun}s, or remove it."
                problems.append(DataProblem(_short(sub, root), found_none, remedy))
        found = self.part_of(name, files, labels=_objects(labels), names=[_short(file, root) for file in files])
        stray = loose_files(folder, self.meant) if classes else []
        warnings = [f"{len(stray):,} files beside the class folders of {folder.name} have no class: not used"] if stray else []
        warnings += [f"{_short(sub, root)}: {self.meant.noun}s without a class, by its name: not used" for sub in unlabelled]
        warnings += [f"{_short(link, root)}: a link that leads nowhere, not used" for link in broken_links(folder)]
        listed = Listing(tuple(files), ignored, (), tuple(followed), tuple(skipped), firsts)
        return replace(
            found,
            problems=(*problems, *found.problems),
            notes=(*_say_listing(name, listed, root=root), *found.notes),
            warnings=(*warnings, *found.warnings),
        )

    def _class_folders(self, folder: Path, *, root: Path) -> tuple[list[Path], list[DataProblem]]:
        """Return the class folders of a part, and a problem for each one that leads to the folder of another class."""
        owners: dict[Path, Path] = {}
        problems: list[DataProblem] = []
        for sub in sorted(subfolders(folder), key=lambda path: path.is_symlink()):  # a link is the double, not what it leads to
            owner = owners.setdefault(sub.resolve(), sub)
            if owner != sub:
                found = f"leads to the same folder as class {owner.name}"
                remedy = f"Remove one of them: {self.meant.one} has one class."
                problems.append(DataProblem(_short(sub, root), found, remedy))
        return [sub for sub in subfolders(folder) if sub in owners.values()], problems

    def _without_aside(self, classes: list[Path]) -> tuple[list[Path], list[Path]]:
        """Part the class folders from those whose files have no class."""
        kept = [sub for sub in classes if sub.name.casefold() not in self.aside]
        return (kept, [sub for sub in classes if sub not in kept]) if len(kept) > 1 else (classes, [])

    def _class_problems(self, part: RowsPart) -> list[DataProblem]:
        """Find what keeps a training part from being learned as classes."""
        if self.target == NO_TARGET:
            remedy = f"Give a folder of {self.meant.noun}s."
            return [] if len(part) else [DataProblem("train", f"no {self.meant.noun}s that can be read", remedy)]
        classes = sorted(set(part.labels if part.labels is not None else ()))
        if len(classes) > 1:
            return []
        found = f"only one class ({classes[0]})" if classes else f"no {self.meant.noun}s in class folders"
        remedy = f"Give at least two folders, named by their class, with {self.meant.noun}s in each."
        if self.can_lack_target:
            remedy += " A task that needs no classes takes a folder without: --task NAME (tutelage list task)."
        return [DataProblem("train", found, remedy)]

    def _fit_to_train(self, other: Found, train: Found) -> tuple[RowsPart, list[DataProblem], list[str]]:
        """Bring labels of another part to the spelling of the training part, and leave files of unknown classes out."""
        part, name, noun = other.part, other.part.name, self.meant.noun
        if not len(part):
            remedy = f"Add them, or remove the empty {name} part."
            return part, [DataProblem(name, f"no {noun}s in {'it' if part.labels is None else 'class folders'}", remedy)], []
        if self.target == NO_TARGET:
            return part, [], []
        classes = set(train.part.labels if train.part.labels is not None else ())
        matched = match_labels(part.labels if part.labels is not None else [], classes, part=name)
        unknown: defaultdict[str, list[int]] = defaultdict(list)
        for row in np.flatnonzero(matched.unknown).tolist():
            unknown[matched.labels[row]].append(row)
        problems = [
            DataProblem(
                f"{name}, class {label}",
                f"{len(rows):,} {noun}s of a class that the training part does not have, such as {part.locate(rows[0])}",
                "Rename the folder as in the training part, or remove it.",
                items=tuple(rows),
            )
            for label, rows in sorted(unknown.items())
        ]
        keep = np.flatnonzero(~matched.unknown)
        if not len(keep):
            remedy = "Name its folders as in training."
            problems.append(DataProblem(name, f"no {noun} is of a class of the training part", remedy))
        part = self.relabelled(part, matched.labels)
        return part if len(keep) == len(part) else part.select(keep), problems, list(matched.warnings)

    def _labelled(self, folder: Path) -> list[tuple[str | None, Listing]]:
        """List the files of a folder, with labels if they all lie in class folders."""
        base = find_layout(folder, self.meant).judged
        if loose_files(base, self.meant):
            return [(None, list_files(base, self.meant))]
        return [(readable(sub.name), list_files(sub, self.meant)) for sub in subfolders(base)]


def existing(path: str) -> Path:
    """Return the path, which must exist.

    Raises:
        UsageError: It does not.
    """
    if not Path(path).exists():
        raise UsageError(say_missing(path))
    return Path(path)


def hash_files(names: Sequence[str], digests: Sequence[bytes], labels: np.ndarray | None) -> str:
    """Hash names, contents and labels."""
    shown = labels.tolist() if labels is not None else [""] * len(names)
    lines = (f"{name}\0{digest.hex()}\0{label}\n" for name, digest, label in zip(names, digests, shown, strict=True))
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _say_listing(name: str, listing: Listing, *, root: Path) -> list[str]:
    """Tell what was passed over, and of links to folders."""
    ignored = sorted(listing.ignored.items())
    counts = ", ".join(f"{count:,} x {kind} ({_short(listing.firsts[kind], root)})" for kind, count in ignored)
    notes = [
        f"{name}: passed over {counts}" if ignored else "",
        _say_links(f"{name}: not read, since what they lead to is read already", listing.skipped, root),
        _say_links(f"{name}: followed links to folders", listing.followed, root),
    ]
    return [note for note in notes if note]


def _say_links(what: str, links: Sequence[Path], root: Path) -> str:
    """Tell of some links, or nothing where there are none."""
    shown = ", ".join(_short(link, root) for link in links[:5]) + (" ..." if len(links) > 5 else "")
    return f"{what}: {len(links):,} ({shown})" if links else ""


def _short(path: Path, root: Path) -> str:
    """Name a file as seen from the folder that was given."""
    return readable(path.relative_to(root).as_posix())


def _objects(labels: Sequence[str | None]) -> np.ndarray:
    """Return labels as an object array."""
    values = np.empty(len(labels), dtype=object)
    values[:] = labels
    return values
