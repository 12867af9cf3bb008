"""Names of classes that exclude each other; a class's number is its place in natural order."""

import re
from typing import Literal

import numpy as np
from pydantic import Field

from tutelage.core.errors import DataError
from tutelage.data.source.class_names import match_labels
from tutelage.data.target.bad_labels import bad_labels, say_label
from tutelage.data.target.base import Label, Locate, Target, check_labels, locate_row, plain_labels

__all__ = ["Classes", "fit_classes"]

MAX_NAMED = 10
"""Classes that a message about an unknown one names."""


class Classes(Target):
    """Classes by number."""

    kind: Literal["classes"] = "classes"
    names: tuple[Label, ...] = Field((), description="Class names in natural order; numbers stay numbers.")

    @property
    def classes(self) -> tuple[Label, ...]:
        """Class names in the order of the probabilities."""
        return self.names

    def encode(self, labels: np.ndarray, *, locate: Locate | None = None) -> np.ndarray:
        """Return class numbers int64 [N]; labels that are no class are told of once for each such name."""
        numbers = {key: number for number, name in enumerate(self.names) for key in (str(name), name)}
        plain = plain_labels(labels)
        codes = np.array([numbers.get(label, -1) for label in plain], dtype=np.int64)
        unknown = np.flatnonzero(codes < 0).tolist()
        if unknown:
            known = ", ".join(map(str, self.names[:MAX_NAMED])) + (", ..." if len(self.names) > MAX_NAMED else "")
            remedy = f"Expected one of: {known}."
            raise DataError(bad_labels(plain, unknown, locate=locate or locate_row, found=say_label, remedy=remedy))
        return codes

    def truth(self, labels: np.ndarray, *, locate: Locate | None = None) -> np.ndarray:
        """Return class numbers int64 [N]."""
        return self.encode(labels, locate=locate)

    def how(self, label_1: np.ndarray) -> str:
        """Write the class's number."""
        return f"class {int(self.encode(label_1)[0])} of {len(self.classes)}, counted from 0"

    def decode(self, answers: np.ndarray) -> np.ndarray:
        """Return probabilities as they are, float64."""
        return np.asarray(answers, dtype=np.float64)

    def labels(self, answers: np.ndarray) -> list[Label]:
        """Return the name of the most probable class of each row, [N, C] -> N names."""
        return [self.names[code] for code in answers.argmax(axis=1).tolist()]

    def match(self, labels: np.ndarray, *, part: str) -> tuple[np.ndarray, tuple[str, ...]]:
        """Bring names to the spelling of the train labels."""
        matched = match_labels(labels, [name for name in self.names if isinstance(name, str)], part=part)
        return matched.labels, matched.warnings

    def count(self, codes: np.ndarray) -> np.ndarray:
        """Return the rows of each class, int64 [C]."""
        return np.bincount(codes, minlength=len(self.names))


def fit_classes(labels: np.ndarray, *, reason: str, locate: Locate | None = None) -> Classes:
    """Learn the classes from the train labels.

    Args:
        labels: [N] of str, int, float or bool.
        reason: Why these are taken for classes.
        locate: Names a row, for messages.

    Raises:
        DataError: A label is missing, or all are equal.

    Example:
        >>> fit_classes(np.array(["dog", "cat", "dog"], dtype=object), reason="").names
        ('cat', 'dog')
    """
    plain = check_labels(labels, locate=locate)
    return Classes(names=tuple(sorted(set(plain), key=_natural)), reason=reason)


def _natural(label: Label) -> tuple[object, ...]:
    """Sort key: numbers by value and before words; digits inside words by value, so that `img2` is before `img10`."""
    if not isinstance(label, str):
        return (0, label)
    # Only ASCII digits are numbers here: other digits, such as superscripts, are not what int() reads.
    parts = re.split(r"([0-9]{1,18})", label)
    return (1, [(int(part), "") if part.isascii() and part.isdecimal() else (-1, part.lower()) for part in parts], label)
