"""Cutting a validation and a test part from rows: at random from the seed, each class kept in proportion."""

import numpy as np

from tutelage.core.seeds import derive

__all__ = ["cut"]


def cut(classes: np.ndarray | None, *, num_rows: int, fraction: float, seed: int, purpose: str) -> tuple[np.ndarray, np.ndarray]:
    """Split rows in two.

    Args:
        classes: Class numbers int64 [N] to keep in proportion, or None.
        num_rows: N.
        fraction: Fraction of the rows that is cut off, in (0, 1).
        seed: The run's seed.
        purpose: What the cut is for, such as `test`; other purposes cut elsewhere.

    Returns:
        Rows that stay and rows cut off, int64, each in ascending order; a class with two rows or more keeps at least one
        row on the staying side.
    """
    generator = np.random.default_rng(derive(seed, purpose))
    order = generator.permutation(num_rows)
    if classes is None:
        taken = order[: max(1, round(fraction * num_rows))]
    else:
        # Rows sorted by class, shuffled within each; every 1/fraction-th of that sequence goes, so each class gives its part.
        order = order[np.argsort(classes[order], kind="stable")]
        # At most every second row goes, so of two neighbors one stays.
        count = max(1, min(round(fraction * num_rows), num_rows // 2))
        offset = generator.random()
        taken = order[np.unique(np.floor((np.arange(count) + offset) * num_rows / count).astype(np.int64))]
        taken = taken[~_is_only_row(classes, taken)]
    is_taken = np.zeros(num_rows, dtype=bool)
    is_taken[taken] = True
    return np.flatnonzero(~is_taken), np.flatnonzero(is_taken)


def _is_only_row(classes: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Tell for each row whether it is the only one of its class."""
    lone: np.ndarray = np.bincount(classes)[classes[rows]] == 1
    return lone
