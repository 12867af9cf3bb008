"""How a path is told of at which nothing is: with the name beside it that was probably meant; not a component."""

import difflib
from pathlib import Path

__all__ = ["say_missing"]


def say_missing(path: str | Path) -> str:
    """Say that there is no such file or folder, but perhaps something else, and which one there is that is called nearly so."""
    place = Path(path)
    try:
        if place.exists():
            return f"{path}: neither a file nor a folder, but a device or a pipe. Give a file or a folder."
        siblings = [entry.name for entry in place.parent.iterdir()]
    except (OSError, ValueError):  # no such folder, closed, or too long for a name
        siblings = []
    near = difflib.get_close_matches(place.name, siblings, n=1)
    hint = f" Did you mean {place.parent / near[0]}?" if near else ""
    return f"{path}: no such file or folder.{hint}"
