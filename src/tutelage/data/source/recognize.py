"""Which kind of source reads a path: each kind is asked, in alphabetical order, and last those that take nearly anything."""

import difflib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tutelage.core import catalog
from tutelage.core.errors import UsageError
from tutelage.data.source.base import Source

__all__ = ["recognize", "recognize_input"]


def recognize(path: str) -> type[Source]:
    """Return the kind of source that reads a path or a name such as `sklearn:digits`.

    Raises:
        UsageError: Nothing is there, or no source understands it; the message says what was found.
    """
    kinds = catalog.names("source")
    last: list[type[Source]] = []
    for kind in kinds:
        source: type[Source] = catalog.load("source", kind)
        if source.is_last_resort:
            last.append(source)
        elif source.recognizes(path):
            return source
    for source in last:
        if source.recognizes(path):
            return source
    hints = [hint for kind in kinds if (hint := catalog.load("source", kind).near_miss(path))]
    understood = "\n".join(f"  {kind:<16} {catalog.describe('source', kind)}" for kind in kinds)
    raise UsageError("\n".join([_say_found(path), *hints, f"Understood are:\n{understood}"]))


def recognize_input(path: str, *, first: str, reading: Mapping[str, Any]) -> type[Source]:
    """Return the kind of source that reads rows to answer for.

    Args:
        path: Path or name.
        first: The kind that is asked before all others, as `Fitted.input_source` says; "" where it does not matter.
        reading: How the train rows were read, as `Fitted.reading` says.

    Raises:
        UsageError: No source understands it.
    """
    if first:
        source: type[Source] = catalog.load("source", first)
        if source.recognizes_input(path, reading):
            return source
    return recognize(path)


def _say_found(path: str) -> str:
    """Say what is at a path."""
    place = Path(path)
    if place.is_file():
        return f"{path}: a file of {place.stat().st_size:,} bytes that no source understands."
    if not place.is_dir():
        siblings = [entry.name for entry in place.parent.iterdir()] if place.parent.is_dir() else []
        near = difflib.get_close_matches(place.name, siblings, n=1)
        hint = f" Did you mean {place.parent / near[0]}?" if near else ""
        return f"{path}: no such file or folder.{hint}"
    entries = [entry for entry in place.iterdir() if not entry.name.startswith(".")]
    kinds = Counter("folder" if entry.is_dir() else f"{entry.suffix or 'nameless'} file" for entry in entries)
    shown = ", ".join(f"{count:,} x {kind}" for kind, count in kinds.most_common(6)) or "nothing"
    return f"{path}: a folder that no source understands. In it: {shown}."
