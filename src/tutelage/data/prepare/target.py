"""What is to be predicted: classes or numbers, told from the train labels; encoded for the loss, decoded for people.

Not a component: every task uses it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tutelage.core.errors import DataError, Problem

__all__ = ["ClassTarget", "NumberTarget", "TargetEncoder", "fit_target", "restore_target"]

Label = str | int | float | bool
Locate = Callable[[int], str]

MAX_CLASSES = 20
"""Whole numbers with more distinct values than this are amounts, not class numbers."""
MIN_ROWS_PER_CLASS = 5
"""Fewer rows for each distinct whole number, on average, speak for amounts."""


@dataclass(frozen=True)
class ClassTarget:
    """Classes by number.

    Attributes:
        classes: Names in natural order (numbers stay numbers); the position is the class number.
        reason: Why these labels are taken for classes.
    """

    classes: tuple[Label, ...]
    reason: str
    task: Literal["classify"] = "classify"

    def encode(self, labels: np.ndarray, *, locate: Locate | None = None) -> np.ndarray:
        """Return class numbers int64 [N].

        Args:
            labels: [N], str, int, float, bool or None.
            locate: Names a row, for messages.

        Raises:
            DataError: Every label that is not one of the classes.
        """
        numbers = {key: number for number, name in enumerate(self.classes) for key in (str(name), name)}
        plain = _plain(labels)
        codes = np.array([numbers.get(label, -1) for label in plain], dtype=np.int64)
        unknown = np.flatnonzero(codes < 0).tolist()
        if unknown:
            known = ", ".join(map(str, self.classes[:10])) + (", ..." if len(self.classes) > 10 else "")
            raise DataError([_problem(row, plain[row], f"Expected one of: {known}.", locate) for row in unknown])
        return codes

    def decode(self, codes: np.ndarray) -> list[Label]:
        """Return the class names of int64 [N]."""
        return [self.classes[code] for code in codes.tolist()]

    def count(self, codes: np.ndarray) -> np.ndarray:
        """Return the rows of each class, int64 [C]."""
        return np.bincount(codes, minlength=len(self.classes))

    def state(self) -> dict[str, Any]:
        """Return JSON values; `restore_target` takes them back."""
        return {"target": "class", "classes": list(self.classes), "reason": self.reason}


@dataclass(frozen=True)
class NumberTarget:
    """Numbers, standardized for the loss.

    Attributes:
        mean: Of the train labels, in their unit.
        deviation: Standard deviation of the train labels, in their unit.
        reason: Why these labels are taken for numbers.
    """

    mean: float
    deviation: float
    reason: str
    task: Literal["regress"] = "regress"

    def encode(self, labels: np.ndarray, *, locate: Locate | None = None) -> np.ndarray:
        """Return (label - mean) / deviation as float32 [N].

        Args:
            labels: [N], numbers, or text that reads as numbers.
            locate: Names a row, for messages.

        Raises:
            DataError: Every label that is not a finite number.
        """
        return ((_to_numbers(labels, locate) - self.mean) / self.deviation).astype(np.float32)

    def decode(self, values: np.ndarray) -> np.ndarray:
        """Return values in the labels' unit, float64 of the same shape."""
        return np.asarray(values, dtype=np.float64) * self.deviation + self.mean

    def state(self) -> dict[str, Any]:
        """Return JSON values; `restore_target` takes them back."""
        return {"target": "number", "mean": self.mean, "deviation": self.deviation, "reason": self.reason}


TargetEncoder = ClassTarget | NumberTarget


def fit_target(
    labels: np.ndarray, *, task: Literal["auto", "classify", "regress"] = "auto", locate: Locate | None = None
) -> TargetEncoder:
    """Learn the classes, or mean and deviation, from the train labels.

    Args:
        labels: [N] of str, int, float or bool.
        task: What to learn; auto = told from the labels.
        locate: Names a row, for messages.

    Raises:
        DataError: A label is missing or of the wrong type, or all are equal.

    Example:
        >>> fit_target(np.array(["dog", "cat", "dog"], dtype=object)).classes
        ('cat', 'dog')
        >>> fit_target(np.array([1.5, 2.5, 3.5])).decode(np.array([0.0])).tolist()
        [2.5]
    """
    plain = _plain(labels)
    absent = [row for row, label in enumerate(plain) if _is_missing(label)]
    if absent:
        raise DataError([_problem(row, None, "Fill it in, or leave the row out.", locate) for row in absent])
    decided, reason = _decide(plain) if task == "auto" else (task, "as you said")
    if len(set(plain)) < 2:
        only = f"every label is {plain[0]!r}" if plain else "there are no labels"
        raise DataError([Problem("target", only, "At least two different labels are needed: is it the right column?")])
    if decided == "classify":
        return ClassTarget(tuple(sorted(set(plain), key=_natural)), reason)
    values = _to_numbers(labels, locate)
    return NumberTarget(float(values.mean()), float(values.std()), reason)


def restore_target(state: Mapping[str, Any]) -> TargetEncoder:
    """Rebuild what `state` returned."""
    if state["target"] == "class":
        return ClassTarget(tuple(state["classes"]), state["reason"])
    return NumberTarget(state["mean"], state["deviation"], state["reason"])


def _decide(labels: Sequence[Label]) -> tuple[Literal["classify", "regress"], str]:
    """Tell classes from amounts, with the reason."""
    distinct = set(labels)
    if all(isinstance(label, bool) for label in distinct):
        return "classify", "the labels are yes or no"
    if any(isinstance(label, str | bool) for label in distinct):
        return "classify", f"the labels are {len(distinct)} distinct words"
    if len(distinct) == 2:
        return "classify", "the labels are two distinct numbers"
    if any(label != int(label) for label in distinct if np.isfinite(label)):
        return "regress", f"the labels are {len(distinct):,} distinct numbers with fractions (otherwise: --task classify)"
    if len(distinct) <= MAX_CLASSES and len(labels) >= MIN_ROWS_PER_CLASS * len(distinct):
        return "classify", f"the labels are only {len(distinct)} distinct whole numbers (as amounts: --task regress)"
    return "regress", f"the labels are {len(distinct):,} distinct whole numbers (as classes: --task classify)"


def _to_numbers(labels: np.ndarray, locate: Locate | None) -> np.ndarray:
    """Return float64 [N] or refuse all that is not a finite number."""
    plain = _plain(labels)
    values = np.full(len(plain), np.nan)
    for row, label in enumerate(plain):
        try:
            values[row] = float(label) if isinstance(label, str | int | float) else np.nan
        except ValueError:
            continue
    bad = np.flatnonzero(~np.isfinite(values)).tolist()
    if bad:
        raise DataError([_problem(row, plain[row], "Expected a number; for classes: --task classify.", locate) for row in bad])
    return values


def _plain(labels: np.ndarray) -> list[Any]:
    """Return labels as Python objects; whole floats become int, so that 3.0 and 3 are one class."""
    return [int(label) if isinstance(label, float) and label.is_integer() else label for label in labels.tolist()]


def _is_missing(label: object) -> bool:
    """Tell whether a label is absent."""
    return label is None or (isinstance(label, float) and np.isnan(label))


def _natural(label: Label) -> tuple[object, ...]:
    """Sort key: numbers by value and before words; digits inside words by value, so that `img2` is before `img10`."""
    if not isinstance(label, str):
        return (0, label)
    return (1, [(int(part), "") if part.isdigit() else (-1, part.lower()) for part in re.split(r"(\d+)", label)], label)


def _problem(row: int, label: object, remedy: str, locate: Locate | None) -> Problem:
    """Describe a bad label."""
    found = "the label is missing" if _is_missing(label) else f"the label is {label!r}"
    return Problem(locate(row) if locate else f"row {row}", found, remedy, row)
