"""Which tokens of a text a model reads: the one rule of training, of exported graphs, and of what opens their files."""

from collections.abc import Sequence

import numpy as np

__all__ = ["UNKNOWN", "kept_tokens", "tail_of"]

UNKNOWN = 0
"""The number that stands for what a vocabulary does not have."""


def tail_of(length: int) -> int:
    """Return how many of the tokens that are kept of a long text are its last ones."""
    return length // 2


def kept_tokens(tokens: Sequence[int] | np.ndarray, *, length: int, tail: int | None = None) -> np.ndarray:
    """Return the tokens that are kept of a text, int [T], T at least 1: of one that is too long the beginning and the end.

    Args:
        tokens: All of them; of none, the single unknown one is kept.
        length: Most that are kept.
        tail: How many of these are the last ones; None = as `tail_of` says.

    Example:
        >>> kept_tokens(np.arange(7), length=4).tolist(), kept_tokens([], length=4).tolist()
        ([0, 1, 5, 6], [0])
    """
    whole = np.asarray(tokens)
    if not len(whole):
        return np.array([UNKNOWN])
    if len(whole) <= length:
        return whole
    last = tail_of(length) if tail is None else tail
    return np.concatenate([whole[: length - last], whole[len(whole) - last :]])
