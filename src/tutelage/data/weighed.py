"""Rows from Python of which some count more than others: as copies where that is exact and cheap, by weights in the loss else.

A whole number is so many equal rows, so that all that follows a training counts them too: early stopping, calibration, the floor.
Equal rows stay on one side where a validation part is cut. Rows stand in an order of their own, which neither the order in which
they came nor the way in which a weight was written changes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Weighed", "weighed"]

MOST_COPIES = 10
"""Copies of a row, on average; with more the weights stand in the loss."""
MOST_NUMBERS = 50_000_000
"""Numbers of all rows together, of which an order of their own is made."""
FEWEST_GROUPS = 30
"""Different rows below which copies are not kept on one side: too few to cut a part from."""


@dataclass(frozen=True)
class Weighed:
    """Rows to train on.

    Attributes:
        rows: An array [N, D], or a data frame.
        labels: [N].
        groups: The number of each row among the different ones, int64 [N]; None where no two are equal, or few differ.
        weights: How much each row counts in the loss, float64 [N]; None where all count alike.
    """

    rows: Any
    labels: np.ndarray
    groups: np.ndarray | None = None
    weights: np.ndarray | None = None


def weighed(rows: Any, labels: np.ndarray, weights: np.ndarray | None) -> Weighed:
    """Return rows as they are to be trained on; those without weight are left out.

    Args:
        rows: An array [N, D], or a data frame, whose rows keep their order.
        labels: [N].
        weights: >= 0, float64 [N]; None where all count alike.
    """
    count = len(labels)
    times = np.ones(count, dtype=np.int64)
    kept_weights = None
    if weights is not None:
        is_whole = bool((weights == np.round(weights)).all()) and weights.sum() <= MOST_COPIES * np.count_nonzero(weights)
        times = weights.astype(np.int64) if is_whole else (weights > 0).astype(np.int64)
        kept_weights = None if is_whole else weights
    order, number = _ordered(rows, labels)
    chosen = order.repeat(times[order])
    _, groups = np.unique(number[chosen], return_inverse=True)
    is_grouped = FEWEST_GROUPS <= groups.max(initial=-1) + 1 < len(chosen)
    return Weighed(
        _taken(rows, chosen),
        labels[chosen],
        groups if is_grouped else None,
        None if kept_weights is None else kept_weights[chosen],
    )


def _ordered(rows: Any, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return an order of rows that depends on their content alone, and for each row a number that equal rows share."""
    count = len(labels)
    is_sortable = isinstance(rows, np.ndarray) and rows.dtype.kind in "biuf" and 0 < rows.size <= MOST_NUMBERS
    if not is_sortable:
        return np.arange(count), np.arange(count)
    _, codes = np.unique(labels, return_inverse=True)
    whole = np.column_stack([np.asarray(rows, dtype=np.float64).reshape(count, -1), codes.reshape(-1)])
    # As bytes, whole rows are compared at once; adding 0 makes one zero of both.
    packed = np.ascontiguousarray(whole + 0.0).view(np.dtype((np.void, whole.shape[1] * whole.itemsize))).ravel()
    _, number = np.unique(packed, return_inverse=True)
    return np.argsort(number, kind="stable"), number


def _taken(rows: Any, chosen: np.ndarray) -> Any:
    """Return some rows of an array or a data frame."""
    return rows.iloc[chosen] if hasattr(rows, "iloc") else rows[chosen]
