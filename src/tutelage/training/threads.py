"""How many threads torch computes with while a training runs."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["threads"]


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Compute with so many threads while entered; 0 leaves them as they are.

    On a CPU the bits of sums follow from that number, so a resumed training has to have the same.
    """
    before = torch.get_num_threads()
    try:
        if number and number != before:
            torch.set_num_threads(number)
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)
