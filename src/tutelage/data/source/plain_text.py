"""A text file (.txt), or a folder that holds nothing else, as one long text: for language models.

```
tutelage train book.txt
tutelage train letters/
```
With `--task language` a folder may have other files beside them, which are passed over, and folders within it.
The files are joined in the order of their names, with a blank line between them; of `train.txt` and `test.txt`
(and `validation.txt`) each is a part of its own. Without such the test part is the end of the text, unless --test names
another file. A file whose lines are rows of cells is a table; `chars:FILE` reads it as a text all the same.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from tutelage.core.errors import UsageError
from tutelage.core.names import readable
from tutelage.data.part.corpus import CorpusPart
from tutelage.data.source.base import Collected, Source
from tutelage.data.source.corpus_files import read_corpus
from tutelage.data.source.stored_file import PACKED_SUFFIXES

__all__ = ["PlainText"]

SUFFIX = ".txt"
PARTS = {"train": "train", "test": "test", "validation": "validation", "valid": "validation", "val": "validation"}
"""Stems of files that are parts by themselves."""
MAX_SHOWN = 5


class PlainText(Source):
    """A text file, or a folder of text files."""

    kind: Literal["plain_text"] = "plain_text"
    has_targets: ClassVar[bool] = False
    is_last_resort: ClassVar[bool] = True  # any .txt that is no table will do

    @classmethod
    def recognizes(cls, path: str) -> bool:
        """Tell whether it is named as a text, or a folder of such files and nothing else."""
        place = Path(path)
        return _is_named_text(place) if not place.is_dir() else bool(_texts(place)) and not _others(place)

    @classmethod
    def recognizes_input(cls, path: str, reading: Mapping[str, Any]) -> bool:
        """Tell whether it is named as a text, or has such files in it or in folders within it, whatever else is there."""
        place = Path(path)
        return _is_named_text(place) if not place.is_dir() else bool(_texts_below(place))

    @classmethod
    def near_miss(cls, path: str) -> str:
        """Say what a folder of texts holds beside them."""
        place = Path(path)
        if not place.is_dir() or not _texts(place):
            return ""
        others = ", ".join(readable(entry.name) for entry in _others(place)[:MAX_SHOWN])
        return f"For a language model of the {len(_texts(place)):,} .txt files in it, move the rest elsewhere: {others}"

    def collect(self) -> Collected:
        """Read the text, and the test text where there is one."""
        place = Path(self.path)
        parts, notes = self._parts(place)
        if self.test:
            files = _files(Path(self.test))
            parts["test"], more = read_corpus(files, name="test", said=_said(Path(self.test)))
            notes += more
        return Collected(
            name=place.resolve().stem if place.is_file() else place.resolve().name,
            train=parts["train"],
            test=parts.get("test"),
            validation=parts.get("validation"),
            notes=tuple(notes),
        )

    def _parts(self, place: Path) -> tuple[dict[str, CorpusPart], list[str]]:
        """Return the parts that a file or a folder has, and what is worth telling."""
        files = _files(place)
        stems = {PARTS.get(_stem(file), ""): file for file in files}
        if len(files) > 1 and "" not in stems and len(stems) == len(files) and "train" in stems:
            read = {name: read_corpus([file], name=name) for name, file in stems.items()}
            return {name: part for name, (part, _) in read.items()}, [note for _, told in read.values() for note in told]
        part, told = read_corpus(files, name="train", said=_said(place))
        shown = ", ".join(readable(_within(file, place)) for file in files[:MAX_SHOWN]) + (
            ", ..." if len(files) > MAX_SHOWN else ""
        )
        joined = [f"{len(files):,} files as one text, joined in the order of their names: {shown}"] if len(files) > 1 else []
        return {"train": part}, [*joined, *_passed_over(place), *told]


def _files(place: Path) -> list[Path]:
    """Return the text file, or those of a folder.

    Raises:
        UsageError: There is no such.
    """
    files = [place] if place.is_file() else _texts_below(place) if place.is_dir() else []
    if not files:
        raise UsageError(f"{place}: no such file, or no .txt file in it. Expected a text file, or a folder of such.")
    return files


def _texts(folder: Path) -> list[Path]:
    """Return the text files of a folder in the order of their names."""
    return sorted(entry for entry in _entries(folder) if _is_named_text(entry))


def _texts_below(folder: Path) -> list[Path]:
    """Return the text files of a folder and of those within it, in the order of their names; what is hidden is left alone."""
    found: list[Path] = []
    for entry in sorted(_entries(folder)):
        found += _texts_below(entry) if entry.is_dir() and not entry.is_symlink() else [entry] * _is_named_text(entry)
    return found


def _passed_over(place: Path) -> list[str]:
    """Tell which other files a folder has beside its texts."""
    others = [entry for entry in _others(place) if not entry.is_dir()] if place.is_dir() else []
    shown = ", ".join(readable(entry.name) for entry in others[:MAX_SHOWN]) + (", ..." if len(others) > MAX_SHOWN else "")
    return [f"passed over, since they are no .txt: {shown}"] if others else []


def _within(file: Path, place: Path) -> str:
    """Return a file's name, with the folders that it is in below a place."""
    return file.relative_to(place).as_posix() if place.is_dir() else file.name


def _others(folder: Path) -> list[Path]:
    """Return whatever else a folder holds, in the order of their names."""
    return sorted(entry for entry in _entries(folder) if not _is_named_text(entry))


def _entries(folder: Path) -> list[Path]:
    """Return what a folder shows."""
    return [entry for entry in folder.iterdir() if not entry.name.startswith(".")]


def _is_named_text(path: Path) -> bool:
    """Tell whether a file is named as a text, packed or not."""
    name = path.name.casefold()
    return path.is_file() and name.endswith((SUFFIX, *(SUFFIX + packed for packed in PACKED_SUFFIXES)))


def _stem(file: Path) -> str:
    """Return a file's name without its endings."""
    return file.name.casefold().partition(SUFFIX)[0]


def _said(place: Path) -> str:
    """Name a file or a folder in messages."""
    return readable(place.resolve().name)
