"""How glibc asks the system for memory and keeps what was freed; under a limit on addresses it has to be sparing.

A limit from outside (`ulimit -v`) counts addresses, not memory. By default each thread that allocates reserves 128 MiB of them,
and what was freed is kept: allocations then fail long before the memory is used, and small ones of libraries that never
look whether theirs has failed end the process without a word.
"""

import sys
from collections.abc import Mapping

__all__ = [
    "KEEPING", "M_MMAP_THRESHOLD", "M_TOP_PAD", "M_TRIM_THRESHOLD", "SCARCE_BYTES", "SPARING", "is_scarce", "set_options",
    "spare_addresses",
]  # fmt: skip

# glibc's malloc.h names these parameters; values are bytes, of the last one a count.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -2, -3, -8
SPARING = {M_ARENA_MAX: 1, M_MMAP_THRESHOLD: 1 << 20, M_TRIM_THRESHOLD: 4 << 20, M_TOP_PAD: 1 << 20}
"""One heap for all threads; what is large lies by itself, and goes back when it is freed."""
KEEPING = {M_MMAP_THRESHOLD: 32 << 20, M_TRIM_THRESHOLD: 2**31 - 1, M_TOP_PAD: 64 << 20}
"""Up to 2 GiB of freed memory stay, and come from one heap again."""
SCARCE_BYTES = 8 << 30
"""Limits below are narrow: heaps and the 2 GiB of freed memory that a training keeps are much of it, and speed matters less."""


def is_scarce() -> bool:
    """Tell whether the addresses of this process are limited to few."""
    if not sys.platform.startswith("linux"):
        return False
    import resource  # not on every system

    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    return soft != resource.RLIM_INFINITY and soft < SCARCE_BYTES


def spare_addresses() -> bool:
    """Take no more addresses than needed, where they are few; threads that began before keep what they have.

    Returns:
        Whether it was done.
    """
    return is_scarce() and set_options(SPARING)


def set_options(options: Mapping[int, int]) -> bool:
    """Set options of malloc, where the C library is glibc; other C libraries and systems are left alone.

    Returns:
        Whether it was done.
    """
    if not sys.platform.startswith("linux"):
        return False
    import ctypes  # takes a hundredth of a second, and few commands need it

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return all(mallopt(ctypes.c_int(name), ctypes.c_int(value)) == 1 for name, value in options.items())
