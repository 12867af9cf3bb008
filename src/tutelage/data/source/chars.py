"""One text file as a long row of characters, named chars:FILE: for language models.

```
tutelage train chars:shakespeare.txt
```
The test part is the end of the text, unless --test names another file. Not for many short texts with labels.
"""

from pathlib import Path
from typing import ClassVar, Literal

from tutelage.core.errors import DataError, DataProblem, TutelageError, UsageError
from tutelage.data.part.corpus import CorpusPart, hash_text
from tutelage.data.source.base import Collected, Source
from tutelage.data.source.stored_file import StoredFile
from tutelage.data.source.text_encoding import UNREADABLE, open_text, text_start

__all__ = ["Chars"]

PREFIX = "chars:"


class Chars(Source):
    """A text file."""

    kind: Literal["chars"] = "chars"
    has_targets: ClassVar[bool] = False

    @classmethod
    def recognizes(cls, path: str) -> bool:
        """Tell whether it is a name such as `chars:book.txt`."""
        return path.startswith(PREFIX)

    @classmethod
    def near_miss(cls, path: str) -> str:
        """Say how a language model is made of a text."""
        file = Path(path)
        try:
            is_text = file.is_file() and bool(text_start(StoredFile.of(file), 65_536).strip())
        except (TutelageError, OSError):
            return ""
        return f"For a language model of the characters of a text: {PREFIX}{path}" if is_text else ""

    @classmethod
    def anywhere(cls, path: str) -> str:
        """Return the name with its file's path in full."""
        return PREFIX + str(Path(path.removeprefix(PREFIX)).resolve())

    def collect(self) -> Collected:
        """Read the file, and the test file where there is one."""
        train, notes = _read(self.path, name="train")
        test = None
        if self.test:
            test, more = _read(self.test, name="test")
            notes += more
        return Collected(name=Path(train.file).stem, train=train, test=test, notes=tuple(notes))


def _read(path: str, *, name: str) -> tuple[CorpusPart, list[str]]:
    """Read one file, and what is worth telling about it."""
    file = Path(path.removeprefix(PREFIX))
    if not file.is_file():
        raise UsageError(f"{path}: no such file. Expected {PREFIX}FILE, such as {PREFIX}book.txt.")
    opened = open_text(file)
    text = "".join(opened.lines())
    if not text.strip():
        raise DataError([DataProblem(file.name, "nothing but blanks in it", "Give a file with text.")])
    bad = UNREADABLE.search(text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        raise DataError([DataProblem(f"{file.name} line {line}", "bytes that are no text", "Save the file as UTF-8.")])
    notes = [f"{file.name}: {opened.note}"] if opened.note else []
    return CorpusPart(name=name, text=text, file=file.name, fingerprint=hash_text(text)), notes
