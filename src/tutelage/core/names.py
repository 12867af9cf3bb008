"""Names from outside that are no proper Unicode, such as file names in an old encoding: made fit for every file and screen.

Python holds the bytes of such a name as lone surrogates, which neither UTF-8, TOML nor a terminal can carry. A name that is
shown or learned (a class, an image) is made `readable`; a path that has to be opened again is written as a `file:` address.
"""

import re
from urllib.parse import quote, unquote_to_bytes

__all__ = ["MAX_SHOWN", "from_address", "is_unicode", "readable", "short_name", "shorten", "to_address", "with_article"]

MAX_SHOWN = 60
"""Characters of a value in a message."""

LONE = re.compile("[\ud800-\udfff]")
FIRST_BYTE, LAST_BYTE = 0xDC80, 0xDCFF
"""Surrogates that stand for the bytes 0x80 to 0xff of a file name, as PEP 383 has it."""
SCHEME = "file://"
VOWELS = tuple("aeiou")
MAX_NAME = 60
"""Characters; at four bytes each there is room in a file name for a number behind them."""


def is_unicode(text: str) -> bool:
    """Tell whether a text can be written as UTF-8."""
    return LONE.search(text) is None


def readable(text: str) -> str:
    r"""Return a text with each byte that is no Unicode written out, as `\xe9`; all other texts stay as they are.

    Example:
        >>> print(readable(b"caf\xe9".decode("utf-8", "surrogateescape")), readable("caf\u00e9") == "caf\u00e9")
        caf\xe9 True
    """
    return LONE.sub(_write_out, text)


def short_name(text: str) -> str:
    r"""Return a name as part of the name of a folder: readable, of one line, and short.

    Example:
        >>> short_name("two\nlines"), short_name("a" * 100) == "a" * 60
        ('two_lines', True)
    """
    plain = "".join(sign if sign.isprintable() and sign not in "/\\" else "_" for sign in readable(text))
    return plain[:MAX_NAME].strip() or "data"


def to_address(path: str) -> str:
    r"""Return a path as a recipe can hold it: one that is no Unicode as a `file:` address, all others as they are.

    Example:
        >>> to_address(b"/data/caf\xe9".decode("utf-8", "surrogateescape")), to_address("/data/cafe")
        ('file:///data/caf%E9', '/data/cafe')
    """
    return path if is_unicode(path) else SCHEME + quote(path.encode("utf-8", "surrogateescape"), safe="/:")


def from_address(text: str) -> str:
    """Return the path of a `file:` address; all other texts as they are."""
    return unquote_to_bytes(text.removeprefix(SCHEME)).decode("utf-8", "surrogateescape") if text.startswith(SCHEME) else text


def _write_out(found: re.Match[str]) -> str:
    """Write one lone surrogate out."""
    point = ord(found[0])
    return f"\\x{point - 0xDC00:02x}" if FIRST_BYTE <= point <= LAST_BYTE else f"\\u{point:04x}"


def with_article(noun: str) -> str:
    """Return a noun with the article that it is spoken with.

    Example:
        >>> with_article("model"), with_article("optim")
        ('a model', 'an optim')
    """
    return f"{'an' if noun[:1].lower() in VOWELS else 'a'} {noun}"


def shorten(value: object) -> str:
    """Write a label, a cell or a setting as Python does, cut where it is long.

    Example:
        >>> shorten("x" * 5000)
        "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'... (5,000 characters)"
    """
    text = value if isinstance(value, str) else repr(value)
    if len(text) <= MAX_SHOWN:
        return repr(value)
    cut = text[:MAX_SHOWN]
    return f"{repr(cut) if isinstance(value, str) else cut}... ({len(text):,} characters)"
