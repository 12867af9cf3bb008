"""Labels of a part as the checks need them: names of classes, one a row."""

from typing import Any

from tutelage.data.part.base import Part, RowsPart
from tutelage.data.target.base import plain_labels
from tutelage.data.target.meaning import are_amounts

__all__ = ["class_labels", "place_of_labels"]


def class_labels(part: Part) -> list[Any] | None:
    """Return the class of each row; None where there are no labels, one is missing, or they are amounts rather than classes."""
    if not isinstance(part, RowsPart) or part.labels is None or not len(part):
        return None
    labels = plain_labels(part.labels)
    if any(label is None or label != label for label in set(labels)) or are_amounts(labels)[0]:
        return None
    return labels


def place_of_labels(part: Part) -> str:
    """Name the part, and the column of its labels where there is one."""
    target = part.target if isinstance(part, RowsPart) else ""
    return f"{part.name}, column {target}" if target else part.name
