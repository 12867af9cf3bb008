"""A folder of texts with one subfolder of `.txt` files per class, split into `train` and `test`, perhaps `val` too, or not.

```
reviews/good/1.txt         reviews/train/good/1.txt
reviews/bad/2.txt          reviews/test/bad/2.txt
```
Each file is one text. To predict on, also single `.txt` files, a folder of them, or `-`: each line of standard input is a
text. Not for one long text, nor for texts in the cells of a table.
"""

import hashlib
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from tutelage.core.errors import DataError, DataProblem
from tutelage.data.part.base import RowsPart
from tutelage.data.part.texts import TextPart
from tutelage.data.source.class_folders import ClassFolders, Found, hash_files
from tutelage.data.source.class_tree import Meant, walk
from tutelage.data.source.stored_file import StoredFile
from tutelage.data.source.table_files import holds_tables, is_table
from tutelage.data.source.text_encoding import UNREADABLE, open_text, text_start

__all__ = ["TextFolder"]

LINES = "-"
"""Stands for the lines of standard input."""
SUFFIXES = (".txt", ".text")
MAX_BYTES = 2**27
"""Size of one text: many times what the longest books have."""
START_BYTES = 2**16
MADE_UP = re.compile(r"column \d+")
"""Names of columns in tables without a header row."""
MAX_SHOWN = 5
MEND = "Save it as UTF-8 as a whole, or mend that line."
REMOVE = "Replace the file, or remove it."


@dataclass(frozen=True, slots=True)
class _Read:
    """What became of one file: its text, the hash of its content and how it is written, or a problem."""

    text: str = ""
    digest: bytes = b""
    note: str = ""
    problem: DataProblem | None = None


def _passed_over(path: Path) -> str:
    """Return the kind of a file that is not meant as a text, or ""."""
    suffix = path.suffix.casefold()
    return "" if suffix in SUFFIXES else f"{suffix or 'nameless'} file"


class TextFolder(ClassFolders):
    """Texts sorted into one folder per class."""

    kind: Literal["text_folder"] = "text_folder"
    meant: ClassVar[Meant] = Meant("text", "a text", SUFFIXES, _passed_over)
    aside: ClassVar[tuple[str, ...]] = ("unsup", "unsupervised", "unlabeled", "unlabelled")

    @classmethod
    def recognizes(cls, path: str) -> bool:
        """Tell whether texts lie in folders of the folder."""
        place = Path(path)
        return place.is_dir() and any(depth and file.name.casefold().endswith(SUFFIXES) for file, depth in walk(place))

    @classmethod
    def recognizes_input(cls, path: str, reading: Mapping[str, Any]) -> bool:
        """Tell whether it is standard input, a text, or a folder of texts; and no table, for what has learned from one."""
        place = Path(path)
        if path == LINES:
            return True
        if "text" in reading and _is_table_of(place, str(reading["text"])):
            return False
        if place.is_dir():
            return any(file.name.casefold().endswith(SUFFIXES) for file, _ in walk(place))
        return place.is_file() and place.name.casefold().endswith(SUFFIXES)

    def read_input(self, paths: Sequence[str]) -> tuple[RowsPart, tuple[DataProblem, ...]]:
        """Read texts to predict on: files, folders of them, class folders, which give labels, or lines of standard input."""
        if LINES in paths:
            if len(paths) > 1:
                found = "lines of standard input and files"
                raise DataError([DataProblem(", ".join(paths), found, "Give one or the other.")])
            return _read_lines(sys.stdin.buffer.read())
        others = [path for path in paths if Path(path).is_file() and _passed_over(Path(path))]
        if others:
            remedy = "Give .txt files, folders of them, or a table alone."
            raise DataError([DataProblem(path, "not a .txt file", remedy) for path in others])
        return super().read_input(paths)

    def part_of(self, name: str, files: Sequence[Path], *, labels: np.ndarray | None, names: Sequence[str]) -> Found:
        """Read every file and keep those that are text."""
        read = [_read(file, name=shown, item=item) for item, (file, shown) in enumerate(zip(files, names, strict=True))]
        good = [item for item, one in enumerate(read) if one.problem is None]
        kept = None if labels is None else labels[good]
        part = TextPart(
            name=name,
            texts=_objects([read[item].text for item in good]),
            labels=kept,
            names=_objects([names[item] for item in good]),
            fingerprint=hash_files([names[item] for item in good], [read[item].digest for item in good], kept),
        )
        told = [f"{names[item]} ({read[item].note})" for item in good if read[item].note]
        shown = "; ".join(told[:MAX_SHOWN]) + (" ..." if len(told) > MAX_SHOWN else "")
        notes = (f"{name}: {len(told):,} of {len(good):,} texts are not UTF-8: {shown}",) if told else ()
        return Found(part, tuple(one.problem for one in read if one.problem is not None), notes)

    def relabelled(self, part: RowsPart, labels: np.ndarray) -> RowsPart:
        """Return the texts with other labels."""
        assert isinstance(part, TextPart)
        shown = "\0".join(map(str, labels))
        fingerprint = hashlib.sha256(f"{part.fingerprint}\0{shown}".encode("utf-8", "surrogatepass")).hexdigest()
        return replace(part, labels=labels, fingerprint=fingerprint)


def _is_table_of(place: Path, column: str) -> bool:
    """Tell whether something is a table with a column; of prose that could be one, its first line decides."""
    if place.is_dir() or not place.name.casefold().endswith(SUFFIXES):
        return holds_tables(place) if place.is_dir() else is_table(place)
    if not is_table(place):
        return False
    return MADE_UP.fullmatch(column) is not None or column in text_start(StoredFile.of(place), START_BYTES).partition("\n")[0]


def _read(path: Path, *, name: str, item: int) -> _Read:
    """Read one file."""
    try:
        if not path.is_file():
            reason = "a link that leads nowhere" if path.is_symlink() else "not a regular file"
            return _Read(problem=DataProblem(name, reason, REMOVE, item=item))
        if path.stat().st_size > MAX_BYTES:
            found = f"{path.stat().st_size:,} bytes, more than {MAX_BYTES:,} in one text"
            return _Read(problem=DataProblem(name, found, "Cut it into texts of their own.", item=item))
        raw = path.read_bytes()
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            return _read_odd(path, name=name, item=item)
        return _Read(text, hashlib.sha256(raw).digest()) if "\0" not in text else _read_odd(path, name=name, item=item)
    except DataError as error:
        return _Read(problem=replace(error.problems[0], where=name, items=(item,)))
    except OSError as error:
        return _Read(problem=DataProblem(name, f"cannot be read ({error.strerror})", REMOVE, item=item))


def _read_odd(path: Path, *, name: str, item: int) -> _Read:
    """Read a file that is not plain UTF-8."""
    opened = open_text(path)
    if not opened.is_damaged:
        return _Read(opened.text(), bytes.fromhex(opened.digest), opened.note)
    line = next((number for number, line in enumerate(opened.lines(), start=1) if UNREADABLE.search(line)), 1)
    found = f"bytes that are no text in {opened.encoding}"
    return _Read(problem=DataProblem(f"{name} line {line}", found, MEND, item=item))


def _read_lines(raw: bytes) -> tuple[TextPart, tuple[DataProblem, ...]]:
    """Read each line as a text.

    Raises:
        DataError: There is none.
    """
    texts: list[str] = []
    names: list[str] = []
    problems: list[DataProblem] = []
    for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").splitlines(), start=1):
        name = f"line {number}"
        try:
            texts.append(line.decode())
            names.append(name)
        except UnicodeDecodeError:
            remedy = "Give lines of UTF-8."
            problems.append(DataProblem(f"standard input, {name}", "bytes that are no text", remedy, item=number - 1))
    if not texts:
        raise DataError(problems or [DataProblem("standard input", "no lines", "Give one text on each line.")])
    digest = hashlib.sha256(raw).hexdigest()
    return TextPart("input", _objects(texts), None, _objects(names), digest), tuple(problems)


def _objects(values: Sequence[str]) -> np.ndarray:
    """Return texts as an object array."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
