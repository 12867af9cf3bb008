"""Whether labels are names of classes or amounts, told from the labels themselves; not a component."""

import math
from typing import Any

__all__ = ["are_amounts"]

MAX_CLASSES = 20
"""Whole numbers with more distinct values than this are amounts, not class numbers."""
MIN_ROWS_PER_CLASS = 5
"""Fewer rows for each distinct whole number, on average, speak for amounts."""


def are_amounts(labels: list[Any]) -> tuple[bool, str]:
    """Tell amounts from names of classes, with the reason.

    Args:
        labels: Plain labels of the train rows, none missing.

    Example:
        >>> are_amounts(["dog", "cat"])
        (False, 'the labels are 2 distinct words')
    """
    distinct = set(labels)
    if not all(isinstance(label, str | int | float) for label in distinct):
        return False, f"the labels are {len(distinct)} distinct values"
    if all(isinstance(label, bool) for label in distinct):
        return False, "the labels are yes or no"
    if any(isinstance(label, str | bool) for label in distinct):
        return False, f"the labels are {len(distinct)} distinct words"
    if len(distinct) == 2:
        return False, "the labels are two distinct numbers"
    if any(label % 1 for label in distinct if isinstance(label, float) and math.isfinite(label)):
        return True, f"the labels are {len(distinct):,} distinct numbers with fractions"
    if len(distinct) <= MAX_CLASSES and len(labels) >= MIN_ROWS_PER_CLASS * len(distinct):
        return False, f"the labels are only {len(distinct)} distinct whole numbers"
    return True, f"the labels are {len(distinct):,} distinct whole numbers"
