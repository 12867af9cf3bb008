"""Keeps freed memory in the process: large batches otherwise hand it back and fetch it again at every step, page by page."""

import gc

import torch

from tutelage.core.allocator import KEEPING, is_scarce, set_options, spare_addresses

__all__ = ["free_memory", "keep_freed_memory"]


def keep_freed_memory() -> bool:
    """Tell the C library to keep up to 2 GiB of freed memory, where it is glibc and its addresses are not few.

    Measured on a residual CNN: 24,500 page faults a step and a fifth of the time without it, next to none with it. It
    changes no result. Other C libraries and systems are left alone.

    Returns:
        Whether it was done.
    """
    if is_scarce():
        # Kept memory would be missed, and a heap that grows by 64 MiB at once finds no room long before there is none.
        spare_addresses()
        return False
    return set_options(KEEPING)


def free_memory() -> None:
    """Give back what nobody holds any more, after a step that did not fit."""
    gc.collect()
    torch.cuda.empty_cache()  # nothing where no card is in use
