"""Rows that are equal, found by the hashes of their content: a sort of numbers, about 0.3 s for a million rows."""

import hashlib
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from tutelage.data.part.base import Part, RowsPart

__all__ = ["Groups", "are_equal_by_chance", "group_rows", "number_labels", "row_keys", "say_rows"]

KEY_BYTES = 8
"""Bytes of a row's hash that are compared: two different rows among a million fall together once in 30 million data sets."""
MORE_THAN_CHANCE = 100
"""Pairs of equal rows that mean something, to one that columns without any connection would give; most have some."""
SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""An odd number whose multiples differ in all their bits, by which a label's number is made part of a key."""


@dataclass(frozen=True)
class Groups:
    """Rows by their content.

    Attributes:
        first: The first row of each group, int64 [G].
        group: The group of each row, int64 [N].
        sizes: Rows of each group, int64 [G].
    """

    first: np.ndarray
    group: np.ndarray
    sizes: np.ndarray

    @property
    def num_repeated(self) -> int:
        """How many rows are equal to another one."""
        return int(self.sizes[self.sizes > 1].sum())

    @property
    def num_pairs(self) -> int:
        """How many pairs of equal rows there are."""
        return int((self.sizes * (self.sizes - 1)).sum() // 2)

    def first_like(self, rows: np.ndarray) -> np.ndarray:
        """Return the first row that has the content of each of some rows."""
        found: np.ndarray = self.first[self.group[rows]]
        return found


def row_keys(part: Part | None, *, without: Collection[str] = ()) -> np.ndarray | None:
    """Return a number for each row, equal where the content is equal, uint64 [N]; None where that is not known.

    Args:
        part: The rows.
        without: Columns that do not count: see `number_columns`.
    """
    digests = part.without(without).row_digests() if isinstance(part, RowsPart) else None
    if digests is None or not len(digests):
        return None
    if isinstance(digests, np.ndarray):
        return digests
    # Hashed again: what a part gives may be shorter or longer than a key, or not a hash at all.
    keys = b"".join(hashlib.blake2b(digest, digest_size=KEY_BYTES).digest() for digest in digests)
    return np.frombuffer(keys, dtype=np.uint64)


def group_rows(keys: np.ndarray, labels: Sequence[Hashable] | None = None) -> Groups:
    """Find the rows with equal content, and equal labels where these are given."""
    if labels is not None:
        keys = keys + number_labels(labels).astype(np.uint64) * SPREAD
    _, first, group, sizes = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    return Groups(first, group, sizes)


def number_labels(labels: Sequence[Hashable]) -> np.ndarray:
    """Return the number of each label, by its first appearance, int64 [N]."""
    numbers: dict[Hashable, int] = {}
    return np.fromiter((numbers.setdefault(label, len(numbers)) for label in labels), dtype=np.int64, count=len(labels))


def are_equal_by_chance(part: RowsPart, *, count: int, pairs: float, without: Collection[str] = ()) -> bool:
    """Tell whether rows may well be equal though they are different things: a few columns may agree, two pictures never do.

    Args:
        part: The rows.
        count: How many pairs are equal.
        pairs: How many pairs there are.
        without: Columns that do not count.
    """
    return count <= MORE_THAN_CHANCE * part.without(without).chance_of_equal() * pairs


def say_rows(count: int, total: int) -> str:
    """Say how many rows are concerned.

    Example:
        >>> say_rows(12, 600), say_rows(1, 60_000)
        ('12 of 600 rows (2 %)', '1 of 60,000 rows (less than 0.1 %)')
    """
    percent = 100 * count / total
    share = "less than 0.1" if percent < 0.1 else f"{percent:.2g}" if percent < 10 else f"{percent:.0f}"
    return f"{count:,} of {total:,} rows ({share} %)"
