"""Aligned tables for a terminal, wrapped to its width."""

import itertools
import textwrap
from collections.abc import Sequence

__all__ = ["decision_lines", "wrapped"]

NARROW = 64
"""Terminals below this many characters show each reason under its decision instead of beside it."""


def decision_lines(rows: Sequence[tuple[str, str, str]], *, width: int) -> list[tuple[str, str]]:
    """Lay out (key, value, reason) rows.

    Args:
        rows: What to show.
        width: Characters of the terminal.

    Returns:
        Lines in two pieces, what was decided and why, so that the second can be shown dimmed.
    """
    keys = min(max((len(key) for key, _, _ in rows), default=0), 24)
    if width < NARROW:
        return [line for row in rows for line in _stacked(row, width=width)]
    values = min(max((len(value) for _, value, reason in rows if reason), default=0), max((width - keys) * 2 // 5, 16))
    return [line for row in rows for line in _side_by_side(row, keys=keys, values=values, width=width)]


def wrapped(text: str, width: int) -> list[str]:
    """Break text into lines of at most `width` characters; never an empty list."""
    return textwrap.wrap(text, max(width, 8), break_on_hyphens=False) or [""]


def _side_by_side(row: tuple[str, str, str], *, keys: int, values: int, width: int) -> list[tuple[str, str]]:
    """Lay out one decision with its reason on the right."""
    key, value, reason = row
    # A value without a reason may use the room of both.
    left, right = wrapped(value, values if reason else width - keys - 5), wrapped(reason, width - keys - values - 7)
    lines = []
    for what, why in itertools.zip_longest(left, right, fillvalue=""):
        text = f"  {key:<{keys}}  {what:<{values}}  "
        lines.append((text if why else text.rstrip(), why))
        key = ""
    return lines


def _stacked(row: tuple[str, str, str], *, width: int) -> list[tuple[str, str]]:
    """Lay out one decision with its reason below it."""
    key, value, reason = row
    lines = [("  " + line, "") for line in wrapped(f"{key}: {value}", width - 3)]
    return lines + [("      ", line) for line in wrapped(reason, width - 7) if line]
