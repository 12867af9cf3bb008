"""Tokens of many texts as one array: in memory, or in a temporary file where they would take a large part of it.

Not a component. A text is tokenized once; every epoch, evaluation and count takes the numbers from here.
"""

from collections.abc import Iterable

import numpy as np

from tutelage.core.cache_folder import cache_folder
from tutelage.core.memory import memory_bytes
from tutelage.data.scratch import scratch_array, scratch_folders

__all__ = ["code_type", "store_tokens"]

MEMORY_SHARE = 0.125
"""Part of the memory from which on tokens lie on a disk: the texts themselves take about as much again."""


def code_type(vocabulary_size: int) -> np.dtype[np.integer]:
    """Return the smallest type that holds the codes of a vocabulary.

    Example:
        >>> code_type(256), code_type(20_000)
        (dtype('uint8'), dtype('uint16'))
    """
    return np.dtype(np.uint8 if vocabulary_size <= 2**8 else np.uint16 if vocabulary_size <= 2**16 else np.int32)


def store_tokens(blocks: Iterable[np.ndarray], *, most: int, dtype: np.dtype[np.integer], what: str) -> np.ndarray:
    """Return blocks of tokens one after another, [N].

    Args:
        blocks: Whole numbers [L] each; those that came before need not be kept.
        most: At least N; it decides whether they go to memory or to a disk.
        dtype: Type of the result.
        what: What is stored, for messages, such as `train`.

    Raises:
        DataError: They are too many for the memory, and no disk has room for them.
    """
    if most * dtype.itemsize <= MEMORY_SHARE * memory_bytes():
        return np.concatenate([np.empty(0, dtype), *(block.astype(dtype, copy=False) for block in blocks)])
    array = scratch_array(
        (most,),
        dtype=dtype,
        folders=scratch_folders(cache=cache_folder()),
        what=f"the tokens of {what}",
        remedy="Or give fewer texts.",
    )
    end = 0
    for block in blocks:
        array[end : end + len(block)] = block
        end += len(block)
    return array[:end]
