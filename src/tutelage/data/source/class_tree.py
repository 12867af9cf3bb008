"""Folders as people keep them, one for each class: which are parts, which are classes, which files do not count."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tutelage.core.errors import DataProblem
from tutelage.data.source.class_names import natural_key

__all__ = [
    "Layout",
    "Listing",
    "Meant",
    "broken_links",
    "find_layout",
    "leads_up",
    "list_files",
    "loose_files",
    "subfolders",
    "walk",
]

TRAIN_NAMES = ("train", "training", "train_set", "training_set")
TEST_NAMES = ("test", "testing", "test_set")
VALIDATION_NAMES = ("val", "valid", "validation", "val_set", "validation_set", "dev")

SYSTEM_NAMES = ("__macosx", "thumbs.db", "desktop.ini", "icon\r", "lost+found")

MAX_LOOKED_AT = 2000
"""Directory entries looked at to guess what a folder holds."""


@dataclass(frozen=True, slots=True)
class Meant:
    """Which files are meant as examples.

    Attributes:
        noun: What one of them is called, such as `image`.
        one: The same with its article.
        suffixes: Endings of names by which a folder of them is known.
        passed_over: Returns the kind of a file that is not meant as one, such as `.csv file`, or "".
    """

    noun: str
    one: str
    suffixes: tuple[str, ...]
    passed_over: Callable[[Path], str]


@dataclass(frozen=True, slots=True)
class Layout:
    """The parts of a folder.

    Attributes:
        train: Folder whose subfolders are the classes.
        test: The same for the test part, or None.
        validation: The same for the validation part, or None.
        notes: What was taken for what, where it may surprise.
    """

    train: Path
    test: Path | None
    validation: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def judged(self) -> Path:
        """The folder to test on, or to predict on, where only this one is asked for."""
        return self.test or self.validation or self.train


@dataclass(frozen=True, slots=True)
class Listing:
    """The files below a folder that are meant as examples, in natural order, and what was passed over.

    Attributes:
        files: Paths below the folder that was asked for.
        ignored: How many files of which kind were passed over.
        firsts: The first one of each kind.
        problems: Folders that cannot be read.
        followed: Links to folders that were followed, wherever they lead.
        skipped: Folders that were not read: links to a folder in which they lie, and folders that were read already.
    """

    files: tuple[Path, ...]
    ignored: Counter[str]
    problems: tuple[DataProblem, ...]
    followed: tuple[Path, ...] = ()
    skipped: tuple[Path, ...] = ()
    firsts: Mapping[str, Path] = field(default_factory=dict)


def find_layout(root: Path, meant: Meant) -> Layout:
    """Tell which folder holds the classes to learn from, and which those to test and to validate on."""
    folder = root
    notes: list[str] = []
    while len(subfolders(folder)) == 1 and not _part(folder, TRAIN_NAMES) and not _has_any(folder, meant):
        inner = subfolders(folder)[0]
        if len(subfolders(inner)) < 2:
            break
        folder = inner
    if folder != root:
        notes.append(f"the classes were looked for in {folder.relative_to(root)}, the only folder of {root.name}")
    train = _part(folder, TRAIN_NAMES)
    if train is None or not _is_part_layout(folder, train, meant):
        return Layout(train=folder, test=None, notes=tuple(notes))
    test, validation = _part(folder, TEST_NAMES), _part(folder, VALIDATION_NAMES)
    unused = [sub.name for sub in subfolders(folder) if sub not in (train, test, validation)]
    if unused:
        notes.append(f"not used beside {train.name}: {', '.join(unused)}")
    return Layout(train=train, test=test, validation=validation, notes=tuple(notes))


def list_files(folder: Path, meant: Meant) -> Listing:
    """List all files meant as examples below a folder, at any depth; links are followed, each real folder once."""
    files: list[Path] = []
    ignored: Counter[str] = Counter()
    firsts: dict[str, Path] = {}
    problems: list[DataProblem] = []
    seen: set[tuple[int, int]] = set()
    followed: list[Path] = []
    skipped: list[Path] = []
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        try:
            facts = current.stat()
            entries = sorted(os.scandir(current), key=lambda entry: natural_key(entry.name))
        except OSError as error:
            problems.append(DataProblem(str(current), f"cannot be read ({error.strerror})", "Make it readable, or remove it."))
            continue
        if (facts.st_dev, facts.st_ino) in seen:
            skipped.append(current)
            continue
        if current.is_symlink():
            followed.append(current)
        seen.add((facts.st_dev, facts.st_ino))
        inner = [Path(entry) for entry in entries if _is_folder(entry) and not _is_hidden(entry.name)]
        skipped += filter(leads_up, inner)
        waiting.extend(path for path in reversed(inner) if not leads_up(path))
        for path in (Path(entry) for entry in entries if not _is_folder(entry)):
            if kind := _passed_over(path, meant):
                ignored[kind] += 1
                firsts.setdefault(kind, path)
            else:
                files.append(path)
    return Listing(tuple(files), ignored, tuple(problems), tuple(followed), tuple(skipped), firsts)


def loose_files(folder: Path, meant: Meant) -> list[Path]:
    """Return the files meant as examples that lie in the folder itself."""
    files = [Path(entry) for entry in _entries(folder) if not _is_folder(entry)]
    return [path for path in files if path.exists() and not _passed_over(path, meant)]


def subfolders(folder: Path, *, that_loop: bool = False) -> list[Path]:
    """Return the visible folders of a folder in natural order: those to be read, or the links that lead back up."""
    found = [Path(entry) for entry in _entries(folder) if _is_folder(entry)]
    return sorted((path for path in found if leads_up(path) == that_loop), key=lambda path: natural_key(path.name))


def broken_links(folder: Path) -> list[Path]:
    """Return the links in a folder that lead nowhere, or to themselves."""
    links = [Path(entry) for entry in _entries(folder) if entry.is_symlink()]
    return sorted(link for link in links if not link.exists())


def _is_part_layout(folder: Path, train: Path, meant: Meant) -> bool:
    """Tell a part called `train` from a class called `train`, as in `bus/ car/ train/`."""
    others = {sub.name.casefold() for sub in subfolders(folder)} - {*TRAIN_NAMES, *TEST_NAMES, *VALIDATION_NAMES}
    return not others or (bool(subfolders(train)) and not _has_any(train, meant))


def _part(folder: Path, names: Sequence[str]) -> Path | None:
    """Find the subfolder with one of some names."""
    return next((sub for name in names for sub in subfolders(folder) if sub.name.casefold() == name), None)


def _has_any(folder: Path, meant: Meant) -> bool:
    """Tell from their names whether examples lie in the folder itself."""
    return any(entry.is_file() and entry.name.casefold().endswith(meant.suffixes) for entry in _entries(folder))


def _entries(folder: Path) -> Iterable[os.DirEntry[str]]:
    """Return the visible entries of a folder; none where it cannot be read (`list_files` reports that)."""
    try:
        return [entry for entry in os.scandir(folder) if not _is_hidden(entry.name)]
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry is a folder or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def leads_up(folder: Path) -> bool:
    """Tell whether a folder is a link to one that it lies in, which would list the same files again."""
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())


def _is_hidden(name: str) -> bool:
    """Tell whether people do not see this name in their file manager."""
    return name.startswith(".") or name.casefold() in SYSTEM_NAMES


def walk(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield the files below a folder with how many folders they are down in it, level by level; not all of a large one."""
    looked_at = 0
    seen: set[Path] = set()
    waiting = [(folder, 0)]
    while waiting and looked_at < MAX_LOOKED_AT:
        current, depth = waiting.pop(0)
        if (real := current.resolve()) in seen:
            continue
        seen.add(real)
        for entry in _entries(current):
            looked_at += 1
            if _is_folder(entry):
                waiting.append((Path(entry), depth + 1))
            else:
                yield Path(entry), depth


def _passed_over(path: Path, meant: Meant) -> str:
    """Return the kind of a file that is not meant as an example, or ""."""
    return "hidden or system file" if _is_hidden(path.name) else meant.passed_over(path)
