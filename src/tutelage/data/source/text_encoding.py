"""Bytes of a text file to text, whatever program wrote them, or the lines that cannot be read."""

import codecs
import re
from dataclasses import dataclass

__all__ = ["UNREADABLE", "Decoded", "decode_text"]

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

SAMPLE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text.

    Attributes:
        text: The text without byte order mark; bytes that cannot be read match `UNREADABLE`.
        encoding: How it was written.
        note: What to tell about the encoding, or "".
    """

    text: str
    encoding: str
    note: str


def decode_text(content: bytes) -> Decoded:
    """Decode a text: by its byte order mark, else UTF-8, else UTF-16, else Windows Western (cp1252).

    A text that holds UTF-8 letters as well as stray bytes is damaged UTF-8, not cp1252.
    """
    encoding = _marked_encoding(content)
    if encoding == "utf-8-sig":
        return Decoded(content.decode(encoding, "surrogateescape"), encoding, "")
    if encoding:
        text = content.decode(encoding, "replace").replace("\ufffd", "\udc80")
        return Decoded(text, encoding, f"it is not UTF-8; read as {encoding}")
    try:
        return Decoded(content.decode("utf-8"), "utf-8", "")
    except UnicodeDecodeError:
        pass
    escaped = content.decode("utf-8", "surrogateescape")
    if not re.search("[\x80-\ud7ff\ue000-\U0010ffff]", escaped):
        try:
            note = "it is not UTF-8; read as cp1252 (Windows Western). If letters look wrong, save it as UTF-8"
            return Decoded(content.decode("cp1252"), "cp1252", note)
        except UnicodeDecodeError:
            pass
    return Decoded(escaped, "utf-8", "")


def _marked_encoding(content: bytes) -> str:
    """Return the encoding that the first bytes tell: by their mark, or UTF-16 by the zeros in every second place."""
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return encoding
    sample = content[:SAMPLE_BYTES]
    for place, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(sample) >= 4 and sample[place::2].count(0) > 0.8 * (len(sample) // 2) and 0 not in sample[1 - place :: 2]:
            return encoding
    return ""
