"""Labels that cannot stand: one problem for each distinct label, however many rows have it; not a component."""

from collections.abc import Callable, Sequence

import numpy as np

from tutelage.core.errors import DataProblem
from tutelage.core.names import shorten

__all__ = ["Locate", "bad_labels", "say_label"]

Locate = Callable[[int], str]
"""Names a row as the user knows it."""

ALSO_NAMED = 2
"""Rows that are named beside the first one of the same label."""


def bad_labels(
    labels: Sequence[object] | np.ndarray, rows: Sequence[int], *, locate: Locate, found: Callable[[object], str], remedy: str
) -> list[DataProblem]:
    """Describe labels that cannot stand, in the order in which they first appear.

    Args:
        labels: All labels of the part.
        rows: Positions of the bad ones, ascending.
        locate: Names a row.
        found: Says what is wrong with a label.
        remedy: What to do about it.

    Returns:
        One problem for each distinct label, whose `items` are all its rows.

    Example:
        >>> bad_labels(["a", "x", "x"], [1, 2], locate="row {}".format, found=say_label, remedy="Mend it.")[0].found
        "the label is 'x', in 2 rows (also row 2)"
    """
    # By their text: 1 and True are different labels, and a missing number is equal to nothing, not even to itself.
    grouped: dict[str, list[int]] = {}
    for row in rows:
        grouped.setdefault(repr(labels[row]), []).append(row)
    return [
        DataProblem(locate(same[0]), found(labels[same[0]]) + say_others(same, locate), remedy, items=tuple(same))
        for same in grouped.values()
    ]


def say_label(label: object) -> str:
    """Say what a label is."""
    is_missing = label is None or label != label
    return "the label is missing" if is_missing else f"the label is {shorten(label)}"


def say_others(rows: Sequence[int], locate: Locate) -> str:
    """Say how many rows there are and name a few beyond the first; "" where there is but one."""
    if len(rows) == 1:
        return ""
    named = ", ".join(locate(row) for row in rows[1 : 1 + ALSO_NAMED])
    more = ", ..." if len(rows) > 1 + ALSO_NAMED else ""
    return f", in {len(rows):,} rows (also {named}{more})"
