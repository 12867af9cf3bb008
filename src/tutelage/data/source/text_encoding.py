"""How a text file is written, found out block by block, whatever its size: its encoding, and bytes that are no text in it."""

import codecs
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, TextIO, cast

from tutelage.core.errors import DataError, DataProblem
from tutelage.data.source.stored_file import StoredFile

__all__ = ["UNREADABLE", "TextFile", "open_text", "text_start"]

UNREADABLE = re.compile("[\udc80-\udcff\0]")
"""What stands in the text for a byte that could not be decoded, and the NUL byte, which no text holds."""

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks; UTF-32 stands before UTF-16, whose mark it begins with."""

NO_TEXT = re.compile("[\0-\x08\x0e-\x1a\x1c-\x1f]")
"""Control characters that no text holds."""

UTF_8 = ("utf-8", "utf-8-sig")
LETTER = re.compile("[\x80-\ud7ff\ue000-\U0010ffff]")
"""A letter beyond ASCII that was decoded."""
SAMPLE_BYTES = 4096
MAX_LINE = 2**27
"""Characters of a line: many times what the longest texts have, few enough to be held."""
BLOCK_BYTES = 8 * 2**20
"""Bytes that are looked at at a time."""


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file, never held in memory as a whole.

    Attributes:
        stored: Where it is, and how it is packed.
        encoding: How it is written, a name of Python's.
        errors: What becomes of bytes that cannot be decoded.
        digest: SHA-256 of its bytes.
        is_damaged: Whether something in it matches `UNREADABLE`.
        has_quotes: Whether there is a double quote in it.
        has_lone_returns: Whether there is a carriage return without a line feed after it.
        note: What to tell about the encoding, or "".
    """

    stored: StoredFile
    encoding: str
    errors: Literal["surrogateescape", "replace"]
    digest: str
    is_damaged: bool
    has_quotes: bool
    has_lone_returns: bool
    note: str = ""

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.stored.path

    def lines(self) -> Iterator[str]:
        """Yield line by line with its ending, without byte order mark; bytes that cannot be read match `UNREADABLE`."""
        with self._open() as file:
            for line in iter(partial(file.readline, MAX_LINE), ""):
                if len(line) == MAX_LINE:
                    remedy = "A table has one row on a line; find out what ends its rows."
                    raise DataError([DataProblem(self.path.name, f"a line of more than {MAX_LINE:,} characters", remedy)])
                yield line.replace("\ufffd", "\udc80") if self.errors == "replace" else line

    def head(self, num_characters: int) -> str:
        """Return how the text begins."""
        with self._open() as file:
            return file.read(num_characters)

    def blocks(self) -> Iterator[bytes]:
        """Yield the text as UTF-8, block by block; it must not be damaged."""
        for text in _decoded(self.stored, self.encoding, "strict"):
            yield text.encode()

    def text(self) -> str:
        """Return the whole text, without byte order mark; it must not be damaged."""
        return "".join(_decoded(self.stored, self.encoding, "strict"))

    def _open(self) -> TextIO:
        """Open the text as it stands, line ends and all."""
        return cast(TextIO, io.TextIOWrapper(self.stored.open(), encoding=self.encoding, errors=self.errors, newline=""))


def open_text(path: Path) -> TextFile:
    """Find out how a file is written: by its byte order mark, else UTF-8, else UTF-16, else Windows Western (cp1252).

    A text that holds UTF-8 letters as well as stray bytes is damaged UTF-8, not cp1252.

    Raises:
        OSError: It cannot be read.
        DataError: It is packed, and damaged or too large.
    """
    stored = StoredFile.of(path)
    with stored.open() as file:
        marked = _marked_encoding(file.read(SAMPLE_BYTES))
    with stored.open() as file:
        digest = hashlib.file_digest(cast(io.BufferedReader, file), "sha256").hexdigest()
    encoding, note = _find_encoding(stored, marked)
    errors: Literal["surrogateescape", "replace"] = "surrogateescape" if encoding in (*UTF_8, "cp1252") else "replace"
    is_damaged = has_quotes = has_lone_returns = False
    rest = ""
    for text in _decoded(stored, encoding, errors):
        is_damaged |= "\0" in text or _has_unreadable(text, errors)
        has_quotes |= '"' in text
        whole = rest + text
        rest = "\r" if whole.endswith("\r") else ""
        has_lone_returns |= whole.count("\r") - len(rest) != whole.count("\r\n")
    return TextFile(stored, encoding, errors, digest, is_damaged, has_quotes, has_lone_returns or bool(rest), note)


def text_start(stored: StoredFile, num_bytes: int) -> str:
    """Return how a file begins if that is text, in whole lines where there are several; "" where it is not.

    Raises:
        OSError: It cannot be read.
        DataError: It is packed and damaged.
    """
    with stored.open() as file:
        start = file.read(num_bytes)
    encoding = _marked_encoding(start[:SAMPLE_BYTES]) or "utf-8"
    text = start.decode(encoding, "replace").removeprefix("\ufeff")
    if NO_TEXT.search(text):
        return ""
    cut = max(text.rfind("\n"), text.rfind("\r")) + 1
    return text[:cut] if cut and len(start) == num_bytes else text


def _find_encoding(stored: StoredFile, marked: str) -> tuple[str, str]:
    """Return the encoding and what to tell about it."""
    if marked:
        return marked, "" if marked in UTF_8 else f"it is not UTF-8; read as {marked}"
    if _can_decode(stored, "utf-8"):
        return "utf-8", ""
    has_letters = any(not text.isascii() and LETTER.search(text) for text in _decoded(stored, "utf-8", "surrogateescape"))
    if not has_letters and _can_decode(stored, "cp1252"):
        return "cp1252", "it is not UTF-8; read as cp1252 (Windows Western). If letters look wrong, save it as UTF-8"
    return "utf-8", ""


def _can_decode(stored: StoredFile, encoding: str) -> bool:
    """Tell whether all bytes of a file are text in an encoding."""
    try:
        for _ in _decoded(stored, encoding, "strict"):
            pass
    except UnicodeDecodeError:
        return False
    return True


def _has_unreadable(text: str, errors: str) -> bool:
    """Tell whether something stands for bytes that could not be decoded; a search costs time, so ASCII is spared it."""
    if text.isascii():
        return False
    return "\ufffd" in text if errors == "replace" else bool(UNREADABLE.search(text))


def _decoded(stored: StoredFile, encoding: str, errors: str) -> Iterator[str]:
    """Yield a file's text block by block, without byte order mark."""
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    with stored.open() as file:
        while block := file.read(BLOCK_BYTES):
            yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


def _marked_encoding(sample: bytes) -> str:
    """Return the encoding that the first bytes tell: by their mark, or UTF-16 by the zeros in every second place."""
    for mark, encoding in MARKS:
        if sample.startswith(mark):
            return encoding
    for place, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(sample) >= 4 and sample[place::2].count(0) > 0.8 * (len(sample) // 2) and 0 not in sample[1 - place :: 2]:
            return encoding
    return ""
