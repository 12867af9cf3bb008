"""Which kind of source reads a path: each kind is asked, in alphabetical order, and last those that take nearly anything."""

import errno
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tutelage.core import catalog
from tutelage.core.errors import UsageError
from tutelage.core.names import shorten
from tutelage.data.source.base import Source
from tutelage.data.source.missing import say_missing

__all__ = ["recognize", "recognize_input", "require_path"]


CLEARLY_MORE = 2
"""How many times as many files there are of what a folder is about as of anything else that stands before it in the alphabet."""


def recognize(path: str) -> type[Source]:
    """Return the kind of source that reads a path or a name such as `sklearn:digits`.

    Raises:
        UsageError: Nothing is there, or no source understands it; the message says what was found.
    """
    require_path(path)
    source = _reader_of(path)
    if source is not None:
        return source
    understood = "\n".join(f"  {kind:<16} {catalog.describe('source', kind)}" for kind in catalog.names("source"))
    raise UsageError("\n".join([*_say_found(path), f"Understood are:\n{understood}"]))


def recognize_input(path: str, *, first: str, reading: Mapping[str, Any]) -> type[Source]:
    """Return the kind of source that reads rows to answer for.

    Args:
        path: Path or name.
        first: The kind that is asked before all others, as `Fitted.input_source` says; "" where it does not matter.
        reading: How the train rows were read, as `Fitted.reading` says.

    Raises:
        UsageError: No source understands it.
    """
    require_path(path)
    if first:
        source: type[Source] = catalog.load("source", first)
        if source.recognizes_input(path, reading):
            return source
    found = _reader_of(path)
    if found is None:
        raise UsageError("\n".join(_say_found(path)))
    return found


def require_path(path: str) -> None:
    """Refuse what is too long for a path, such as a text itself.

    Raises:
        UsageError: It is.
    """
    try:
        Path(path).exists()
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            return  # whoever reads it says what is the matter
        found = f"{shorten(path)}: too long for a path"
        remedy = "Expected a path, or a name such as sklearn:digits. A text itself is not read: write it to a file, NAME.txt."
        raise UsageError(f"{found}. {remedy}") from None


def _reader_of(path: str) -> type[Source] | None:
    """Return the kind of source that reads a path; None where none does."""
    sources: list[type[Source]] = [catalog.load("source", kind) for kind in catalog.names("source")]
    in_turn = sorted(sources, key=lambda source: source.is_last_resort)
    found = next((source for source in in_turn if source.recognizes(path)), None)
    if found is None or not (count := found.count_files(path)):
        return found
    # A stray file of another kind does not say what a folder holds.
    others = [source for source in in_turn if source is not found and source.count_files(path) > CLEARLY_MORE * count]
    return next((source for source in others if source.recognizes(path)), found)


def _say_found(path: str) -> list[str]:
    """Say what is at a path, and why those sources that nearly read it do not, in lines."""
    hints = [catalog.load("source", kind).near_miss(path) for kind in catalog.names("source")]
    return [_say_place(path), *filter(None, hints)]


def _say_place(path: str) -> str:
    """Say what is at a path."""
    place = Path(path)
    if place.is_file():
        return f"{path}: a file of {place.stat().st_size:,} bytes that no source understands."
    if not place.is_dir():
        return say_missing(path)
    entries = [entry for entry in place.iterdir() if not entry.name.startswith(".")]
    kinds = Counter("folder" if entry.is_dir() else f"{entry.suffix or 'nameless'} file" for entry in entries)
    shown = ", ".join(f"{count:,} x {kind}" for kind, count in kinds.most_common(6)) or "nothing"
    return f"{path}: a folder that no source understands. In it: {shown}."
