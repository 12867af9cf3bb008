"""Whether a column alone tells a target: its class, or its amount; and whether that can be chance."""

import math

import numpy as np
import pyarrow as pa

from tutelage.data.quality.columns import codes_of, numbers_of

__all__ = ["tells_amount", "tells_class"]

MAX_ERRORS = 0.01
"""Errors of the best rule on one column, to one error of guessing the most frequent class, that still are mere slips."""
MIN_ERRORS = 10
"""Fewer rows outside of the most frequent class prove nothing."""
MIN_EVIDENCE = math.log(1e9)
"""How improbable, in nats, that agreement is by chance must be, among a thousand columns."""
ROWS_PER_VALUE = 5
"""Fewer rows for each value, on average, are names of things that have one target each, and no code of it."""
MAX_UNEXPLAINED = 1e-4
"""Share of a target's variance that may be left by rounding."""
MIN_KNOWN = 0.5
"""Share of a column's cells that must hold a number for their order to be compared."""
MIN_AMOUNTS = 10
"""Fewer different amounts prove nothing."""


def tells_class(cells: pa.ChunkedArray, classes: np.ndarray) -> str:
    """Return how a column tells the class of each row, or "".

    Args:
        cells: Its cells, [N].
        classes: Class numbers int64 [N], each from 0 on there.
    """
    counts = np.bincount(classes)
    guessing = len(classes) - int(counts.max())
    if guessing < MIN_ERRORS:
        return ""
    # Each further row of a value agrees by chance with this probability.
    nats = -math.log(float(((counts / len(classes)) ** 2).sum()))
    values = codes_of(cells)
    num_values = len(np.unique(values))
    may_slip = int(MAX_ERRORS * guessing)
    is_code = num_values == len(counts) or num_values * ROWS_PER_VALUE <= len(values)
    if is_code and (len(values) - num_values) * nats >= MIN_EVIDENCE:
        errors = _count_errors(values, classes, num_classes=len(counts))
        if errors <= may_slip:
            return _say_code(num_values, len(counts), errors)
    is_empty = (values == values.max()).astype(np.int64)
    if cells.null_count and _count_errors(is_empty, classes, num_classes=len(counts)) <= may_slip:
        return "it is empty for one class and filled in for the other"
    numbers = numbers_of(cells)
    is_known = None if numbers is None else np.isfinite(numbers)
    if numbers is None or is_known is None or is_known.mean() < MIN_KNOWN:
        return ""
    errors = _count_threshold_errors(numbers[is_known], classes[is_known], num_classes=len(counts))
    return f"it parts the classes by its size alone, with {errors:,} errors" if errors <= may_slip else ""


def tells_amount(cells: pa.ChunkedArray, amounts: np.ndarray) -> str:
    """Return how a column tells the amount of each row, or "".

    Args:
        cells: Its cells, [N].
        amounts: The target, float64 [N], finite.
    """
    if len(np.unique(amounts)) < MIN_AMOUNTS:
        return ""
    unscaled, amounts = amounts, amounts / np.abs(amounts).max()
    numbers = numbers_of(cells)
    is_known = None if numbers is None else np.isfinite(numbers)
    if numbers is not None and is_known is not None and is_known.mean() >= MIN_KNOWN:
        one, other = numbers[is_known], amounts[is_known]
        if np.array_equal(one, unscaled[is_known]):
            return "it equals the target"
        if _unexplained(one, other) < MAX_UNEXPLAINED:
            return "it is the target in another unit: a straight line leads from one to the other"
        if _unexplained(_ranks(one), _ranks(other)) < MAX_UNEXPLAINED:
            return "it orders the rows as the target does, or the other way round"
    values = codes_of(cells)
    counts = np.bincount(values)
    if np.count_nonzero(counts) * ROWS_PER_VALUE > len(values):
        return ""
    means = np.bincount(values, weights=amounts) / np.maximum(counts, 1)
    left, total = ((amounts - means[values]) ** 2).sum(), ((amounts - amounts.mean()) ** 2).sum()
    return "each of its values goes with one value of the target" if left < MAX_UNEXPLAINED * total else ""


def _count_errors(values: np.ndarray, classes: np.ndarray, *, num_classes: int) -> int:
    """Return how many rows are not of the most frequent class of their value."""
    pairs, rows = np.unique(values * num_classes + classes, return_counts=True)
    most = np.zeros(int(values.max()) + 1, dtype=np.int64)
    np.maximum.at(most, pairs // num_classes, rows)
    return len(values) - int(most.sum())


def _count_threshold_errors(numbers: np.ndarray, classes: np.ndarray, *, num_classes: int) -> int:
    """Return how many rows the best thresholds put into the wrong class, where each class is one stretch of numbers.

    For two classes; for more it is 0 where such thresholds part them without any error, else all rows.
    """
    order = np.argsort(numbers, kind="stable")
    ranked, sorted_classes = numbers[order], classes[order]
    is_last = np.append(ranked[1:] > ranked[:-1], True)
    if num_classes == 2:
        ones = np.cumsum(sorted_classes)[is_last]
        below = np.flatnonzero(is_last) + 1
        wrong = ones + (len(classes) - below) - (ones[-1] - ones)
        return int(min(wrong.min(), (len(classes) - wrong).min()))
    changes = np.flatnonzero(sorted_classes[1:] != sorted_classes[:-1])
    return 0 if len(changes) == num_classes - 1 and is_last[changes].all() else len(classes)


def _unexplained(one: np.ndarray, other: np.ndarray) -> float:
    """Return the share of variance that a straight line leaves; 1 where one of both does not vary."""
    scale_one, scale_other = np.abs(one).max() or 1.0, np.abs(other).max() or 1.0
    one, other = one / scale_one, other / scale_other
    one, other = one - one.mean(), other - other.mean()
    total = float((one**2).sum() * (other**2).sum())
    return 1.0 - float((one * other).sum()) ** 2 / total if total > 0 else 1.0


def _ranks(numbers: np.ndarray) -> np.ndarray:
    """Return the rank of each number, equal ones sharing the middle of theirs."""
    _, places, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    ranks: np.ndarray = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return ranks


def _say_code(num_values: int, num_classes: int, errors: int) -> str:
    """Say how a column of few values tells the class."""
    slips = f", but for {errors:,} rows" if errors else ""
    if num_values == num_classes:
        return f"it is the target under other names: each of its values goes with one class{slips}"
    return f"each of its {num_values:,} values goes with one class{slips}"
