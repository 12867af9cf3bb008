"""The border: text from outside (JSON, TOML, lines) is read within limits, and refused in words.

It is for the files of a run, for recipes and for what is typed; files of data have readers of their own (`data/source/`).

First the size, then depth and number of items, then numbers: a file may have been damaged or made to hurt. What is refused
raises `BorderError`, whose text says what was found and what was expected; the caller adds the file and the remedy.
"""

import errno
import json
import math
import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tutelage.core.names import shorten

__all__ = [
    "MalformedError",
    "BorderError",
    "bounded",
    "is_missing",
    "opened",
    "parse_json",
    "parse_object",
    "parse_toml",
    "read_bounded",
    "without_twins",
]

SMALL_BYTES = 64 * 2**20
"""Largest file that is read as a whole: some hundred times what a run with thousands of columns writes."""
CHUNK_BYTES = 2**16
"""What is read at once of a file that is longer than it was."""
TOML_BYTES = 2**20
"""Largest recipe."""
MAX_DEPTH = 64
"""Tables and lists within each other; our own go down to about ten."""
MAX_ITEMS = 2_000_000
"""Values in one text: each takes some fifty bytes of memory."""
MAX_DIGITS = 64
"""Digits of a whole number: generators keep numbers of 128 bits, which have 39; all of these still fit a float."""
MAX_BITS = 212
"""The same for numbers that are written to base 16, in bits."""
MAX_DOTS = 16
"""Dots in one key: a recipe needs three, and reading takes the square of their number."""
NESTS = (dict, list)
"""What JSON nests."""
DOTTED = re.compile(r"(?<![\w\"'-])(?:(?>[\w\"'-]+)[ \t]*+\.[ \t]*+)" + f"{{{MAX_DOTS + 1}}}")


class BorderError(ValueError):
    """Content from outside that is not as it must be; its text says what was found and expected."""


class MalformedError(BorderError):
    """Content that is not of the language that it should be of; it may be meant as a plain word."""


def opened(path: Path) -> int:
    """Open a file for reading and return its descriptor; a pipe or a device is refused and never waited for.

    Raises:
        BorderError: It is something else than a file.
        OSError: It cannot be opened.
    """
    found = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(found).st_mode):
        return found
    os.close(found)
    if path.is_dir():
        raise BorderError("is a folder, expected a file")
    raise BorderError("is a pipe, a socket or a device, expected a file")


def read_bounded(path: Path, *, most: int = SMALL_BYTES) -> bytes:
    """Read a whole file of at most so many bytes.

    Raises:
        BorderError: It is larger, or no file.
        OSError: It cannot be read.
    """
    with os.fdopen(opened(path), "rb") as file:
        # Memory is asked for as much as is read at once, so for no more than there is; what grows meanwhile is read to its end.
        content = file.read(min(os.fstat(file.fileno()).st_size, most) + 1)
        while len(content) <= most and (more := file.read(min(most + 1 - len(content), CHUNK_BYTES))):
            content += more
    if len(content) > most:
        raise BorderError(f"has {path.stat().st_size:,} bytes, expected at most {most:,}")
    return content


def parse_json(content: bytes, *, most: int = SMALL_BYTES, with_constants: bool = False) -> Any:
    """Read JSON in UTF-8.

    Args:
        content: The text.
        most: Its largest size in bytes.
        with_constants: Take NaN and Infinity, which JSON does not have and Python writes.

    Raises:
        BorderError: It is no JSON, or beyond a limit.
    """
    if len(content) > most:
        raise BorderError(f"has {len(content):,} bytes, expected at most {most:,}")
    # Counted in the text, within words too: never too few, and at the speed of memory.
    nested = content.count(b"[") + content.count(b"{")
    if nested + content.count(b",") > MAX_ITEMS:
        raise BorderError(f"holds more than {MAX_ITEMS:,} values")
    try:
        value = json.loads(
            content.decode("utf-8"),
            parse_int=_whole,
            parse_float=_real,
            parse_constant=float if with_constants else _refuse_constant,
            object_pairs_hook=without_twins,
        )
    except BorderError:
        raise
    except UnicodeDecodeError as error:
        raise BorderError(f"not UTF-8 text (byte {error.start:,})") from error
    except ValueError as error:
        raise BorderError(f"not JSON ({error})") from error
    except (RecursionError, MemoryError) as error:
        raise BorderError(_too_deep()) from error
    if nested > MAX_DEPTH:
        # Numbers have been looked at while they were read, but for NaN and the infinities where those are taken.
        bounded(value) if with_constants else _require_shallow(value)
    return value


def parse_object(content: bytes, *, with_constants: bool = False) -> dict[str, Any]:
    """Read JSON that is one object; errors as `parse_json`."""
    value = parse_json(content, with_constants=with_constants)
    if not isinstance(value, dict):
        raise BorderError(f"found a {_name(value)}, expected an object in braces")
    return value


def parse_toml(content: bytes) -> dict[str, Any]:
    """Read TOML in UTF-8.

    Raises:
        BorderError: It is no TOML, or beyond a limit; a mistake is told with its line.
    """
    if len(content) > TOML_BYTES:
        raise BorderError(f"has {len(content):,} bytes, expected at most {TOML_BYTES:,}")
    try:
        text = content.decode("utf-8")
        if DOTTED.search(text):
            raise BorderError(f"a key has more than {MAX_DOTS} dots")
        values = tomllib.loads(text)
    except BorderError:
        raise
    except (RecursionError, MemoryError) as error:
        raise BorderError(_too_deep()) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MalformedError(f"not a TOML file: {str(error)[:300]}") from error
    except ValueError as error:
        # What `int` says of thousands of digits.
        raise BorderError(str(error)[:300]) from error
    bounded(values)
    return values


def without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs of a JSON object as a table whose keys are all different.

    Raises:
        BorderError: A key stands there twice.
    """
    table = dict(pairs)
    if len(table) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise BorderError(f"the key {shorten(twice)} stands twice in one object")
    return table


def bounded(value: Any) -> Any:
    """Return nested tables and lists as they are, once depth, number and size of what is in them are within limits.

    Raises:
        BorderError: They are not; the text names the place.
    """
    for count, (place, depth, item) in enumerate(_walk(value), start=1):
        if depth > MAX_DEPTH:
            raise BorderError(_too_deep())
        if count > MAX_ITEMS:
            raise BorderError(f"holds more than {MAX_ITEMS:,} values")
        if isinstance(item, float) and not math.isfinite(item):
            raise BorderError(f"{place} = {item}: expected a finite number")
        if isinstance(item, int) and item.bit_length() > MAX_BITS:
            raise BorderError(f"{place}: a whole number of {item.bit_length():,} bits, expected at most {MAX_DIGITS} digits")
    return value


def _require_shallow(value: Any) -> None:
    """Refuse tables and lists that lie too deep within each other; as `bounded`, but only their depth is looked at.

    Raises:
        BorderError: They do.
    """
    level = [value] if isinstance(value, NESTS) else []
    for _ in range(MAX_DEPTH):
        deeper: list[Any] = []
        for item in level:
            deeper += [inner for inner in (item.values() if isinstance(item, dict) else item) if isinstance(inner, NESTS)]
        if not deeper:
            return
        level = deeper
    if any(level):
        raise BorderError(_too_deep())


def _walk(value: Any) -> Iterator[tuple[str, int, Any]]:
    """Yield place, depth and value of everything in nested tables and lists, without recursion."""
    waiting: list[tuple[str, int, Any]] = [("", 0, value)]
    while waiting:
        place, depth, item = waiting.pop()
        yield place, depth, item
        if depth > MAX_DEPTH:
            continue
        if isinstance(item, Mapping):
            waiting += [(f"{place}.{key}" if place else str(key), depth + 1, inner) for key, inner in item.items()]
        elif isinstance(item, list | tuple):
            waiting += [(f"{place}[{index}]", depth + 1, inner) for index, inner in enumerate(item)]


def _whole(text: str) -> int:
    """Read a whole number that is not absurdly long."""
    if len(text) > MAX_DIGITS:
        raise BorderError(f"a whole number of {len(text):,} digits, expected at most {MAX_DIGITS}")
    return int(text)


def _real(text: str) -> float:
    """Read a number that a float can hold."""
    value = float(text)
    if not math.isfinite(value):
        raise BorderError(f"the number {text[:40]} is too large")
    return value


def _refuse_constant(word: str) -> float:
    """Refuse NaN and the infinities."""
    raise BorderError(f"found {word}, which JSON does not have")


def _too_deep() -> str:
    return f"lists and tables lie more than {MAX_DEPTH} deep within each other"


def _name(value: object) -> str:
    """Name a JSON value's type."""
    names = {list: "list", str: "text", bool: "truth value", int: "number", float: "number", type(None): "null"}
    return names.get(type(value), type(value).__name__)


def is_missing(error: OSError) -> bool:
    """Tell whether an error says that there is no such file."""
    return error.errno in (errno.ENOENT, errno.ENOTDIR)
