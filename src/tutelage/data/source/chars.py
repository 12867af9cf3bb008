"""One text file as a long row of characters, named chars:FILE: for language models.

```
tutelage train chars:shakespeare.txt
```
The test part is the end of the text, unless --test names another file. A file called .txt that is no table needs no `chars:`.
Not for many short texts with labels.
"""

from pathlib import Path
from typing import ClassVar, Literal

from tutelage.core.errors import TutelageError, UsageError
from tutelage.data.part.corpus import CorpusPart
from tutelage.data.source.base import Collected, Source
from tutelage.data.source.corpus_files import read_corpus
from tutelage.data.source.stored_file import StoredFile
from tutelage.data.source.text_encoding import text_start

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
        return Collected(name=Path(train.file).stem, train=train, test=test, notes=notes)


def _read(path: str, *, name: str) -> tuple[CorpusPart, tuple[str, ...]]:
    """Read one file, and what is worth telling about it."""
    file = Path(path.removeprefix(PREFIX))
    if not file.is_file():
        raise UsageError(f"{path}: no such file. Expected {PREFIX}FILE, such as {PREFIX}book.txt.")
    return read_corpus([file], name=name)
