"""Values from files that may hold anything: read as text or as numbers, never with an error."""

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["as_number", "as_text", "as_whole"]

LARGEST = 1e100
"""Numbers beyond this are taken for damage: their squares, sums and axes would overflow."""
MAX_ITEMS = 50
"""Items of a list that are written out."""


def as_number(value: object) -> float | None:
    """Return a number that can be drawn and computed with, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -LARGEST <= value <= LARGEST and math.isfinite(value) else None


def as_whole(value: object) -> int | None:
    """Return a whole number such as a step, or None."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if abs(value) <= LARGEST else None


def as_text(value: Any, *, depth: int = 3) -> str:
    """Write any JSON value as one line; what lies deeper than `depth` or is too long is cut.

    Example:
        >>> as_text([1, "a", {"b": None}])
        '1, a, b: '
    """
    if value is None:
        return ""
    if isinstance(value, str):
        # Half of a surrogate pair is no character; nothing that is written to a file may hold it.
        return value.encode("utf-8", "replace").decode()
    if not isinstance(value, Mapping | list | tuple):
        return str(value)
    if depth == 0:
        return "..."
    items = list(value.items())[:MAX_ITEMS] if isinstance(value, Mapping) else list(value[:MAX_ITEMS])
    words = [
        f"{as_text(item[0])}: {as_text(item[1], depth=depth - 1)}"
        if isinstance(value, Mapping)
        else as_text(item, depth=depth - 1)
        for item in items
    ]
    return ", ".join([*words, *(["..."] if len(value) > MAX_ITEMS else [])])
