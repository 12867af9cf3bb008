"""Cutting a validation and a test part from rows: at random, by groups that stay whole, or by time.

Each cut is a pure function of the rows' classes, groups or times, of the seed and of the purpose. Rows that stay and rows that
are cut off come as int64, each in ascending order.
"""

import numpy as np

from tutelage.core.seeds import derive

__all__ = ["cut", "cut_groups", "cut_times"]


def cut(classes: np.ndarray | None, *, num_rows: int, fraction: float, seed: int, purpose: str) -> tuple[np.ndarray, np.ndarray]:
    """Split rows in two, at random from the seed, each class kept in proportion.

    Args:
        classes: Class numbers int64 [N] to keep in proportion, or None.
        num_rows: N.
        fraction: Fraction of the rows that is cut off, in (0, 1).
        seed: The run's seed.
        purpose: What the cut is for, such as `test`; other purposes cut elsewhere.

    Returns:
        Rows that stay and rows cut off; a class with two rows or more keeps at least one row on the staying side.
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


def cut_times(times: np.ndarray, *, fraction: float, gap: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Split rows in two by time: what is cut off is the newest; rows of one time are never parted.

    Args:
        times: [N], numbers of which the larger is the later.
        fraction: Fraction of the rows that is cut off, in (0, 1); met as nearly as equal times allow.
        gap: Rows just before those cut off that are in neither part; those of one time all are, or none.

    Returns:
        Rows that stay and rows cut off; none are cut off where all rows have one time.
    """
    order = np.argsort(times, kind="stable")
    ranked = times[order]
    starts = np.flatnonzero(ranked[1:] > ranked[:-1]) + 1
    if not len(starts):
        return np.arange(len(times)), np.zeros(0, dtype=np.int64)
    wanted = len(times) - round(fraction * len(times))
    start = int(starts[np.argmin(np.abs(starts - wanted))])
    end = start if not gap else int(np.searchsorted(ranked, ranked[max(start - gap, 0)]))
    return np.sort(order[:end]), np.sort(order[start:])


def cut_groups(
    groups: np.ndarray, classes: np.ndarray | None, *, fraction: float, seed: int, purpose: str
) -> tuple[np.ndarray, np.ndarray]:
    """Split rows in two, all rows of a group on one side.

    Groups are looked at in random order, and one is taken where it brings the rows cut off, class by class, nearer to their
    share: so both sides come near the fractions, as far as whole groups allow.

    Args:
        groups: Group numbers int64 [N].
        classes: Class numbers int64 [N] to keep in proportion, or None.
        fraction: Fraction of the rows that is cut off, in (0, 1).
        seed: The run's seed.
        purpose: What the cut is for, such as `test`; other purposes cut elsewhere.

    Returns:
        Rows that stay and rows cut off; none are cut off where there is one group. A class stays that is in the group alone.
    """
    number = np.unique(groups, return_inverse=True)[1]
    labels = np.zeros(len(groups), dtype=np.int64) if classes is None else classes
    counts, totals = _count_pairs(number, labels), np.bincount(labels).tolist()
    if len(counts) < 2:
        return np.arange(len(groups)), np.zeros(0, dtype=np.int64)
    gone = [0] * len(totals)
    taken: list[int] = []
    looked_at: list[tuple[bool, float, int]] = []
    for group in np.random.default_rng(derive(seed, purpose)).permutation(len(counts)).tolist():
        # By so much it changes each class's squared distance from its share, over the class's rows, summed up.
        change = sum(n * (n + 2 * (gone[c] - fraction * totals[c])) / totals[c] for c, n in counts[group])
        would_empty = any(gone[c] + n == totals[c] for c, n in counts[group])
        if change < 0 and not would_empty:
            taken.append(group)
            for c, n in counts[group]:
                gone[c] += n
        elif not taken:
            looked_at.append((would_empty, change, group))
    is_taken = np.zeros(len(counts), dtype=bool)
    # Where every group is larger than the part should be, the one that misses it least is taken.
    is_taken[taken or [min(looked_at)[2]]] = True
    return np.flatnonzero(~is_taken[number]), np.flatnonzero(is_taken[number])


def _count_pairs(groups: np.ndarray, labels: np.ndarray) -> list[list[tuple[int, int]]]:
    """Return for each group its classes with their numbers of rows."""
    num_labels = int(labels.max(initial=0)) + 1
    pairs, rows = np.unique(groups.astype(np.int64) * num_labels + labels, return_counts=True)
    found: list[list[tuple[int, int]]] = [[] for _ in range(int(groups.max(initial=-1)) + 1)]
    for group, label, count in zip((pairs // num_labels).tolist(), (pairs % num_labels).tolist(), rows.tolist(), strict=True):
        found[group].append((label, count))
    return found


def _is_only_row(classes: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Tell for each row whether it is the only one of its class."""
    lone: np.ndarray = np.bincount(classes)[classes[rows]] == 1
    return lone
