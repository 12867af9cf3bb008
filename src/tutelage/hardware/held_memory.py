"""Memory that libraries take when they first compute, asked for before it is missed: without it they end or hang the process.

NumPy and SciPy each bring an OpenBLAS, which takes a buffer for each thread that computes. Where there is none, NumPy's ends the
process with a line of its own, and SciPy's asks for ever. torch begins its threads when it first computes something large; where
one cannot begin, GNU OpenMP ends the process; where one of Arrow's cannot, reading a table may wait for ever. None of it is an
error that could be caught, so all of it is asked for at once, in words.
This matters where addresses are limited from outside (`ulimit -v`); elsewhere nothing is done.
"""

import sys
from functools import cache

import torch

from tutelage.core.allocator import is_scarce, spare_addresses
from tutelage.core.errors import OutOfMemoryError
from tutelage.core.free_memory import free_memory_bytes

__all__ = ["hold_memory", "needed_bytes"]

MEBIBYTE = 2**20
BUFFER_BYTES = 40 * MEBIBYTE
"""OpenBLAS takes 32 MiB, at a multiple of 4 MiB or so; measured with NumPy 2 and SciPy 1: with 33 MiB left there was none."""
LOADED_BYTES = 100 * MEBIBYTE
"""Addresses that loading SciPy's OpenBLAS takes, with one thread: 78 MiB were measured. With fewer left it loads for ever."""
ARROW_THREADS = 2
"""One that reads, and one that computes."""
USUAL_STACK_BYTES = 8 * MEBIBYTE
SIDE = 256
"""Rows of the matrices by whose product the buffers are taken: smaller ones are computed without."""
GRAIN = 2**15
"""Numbers that torch gives to each thread at least."""


def hold_memory() -> bool:
    """Take what libraries will need, where addresses are limited; once in a process.

    Returns:
        Whether they are.

    Raises:
        OutOfMemoryError: There is no room.
    """
    if not is_scarce():
        return False
    spare_addresses()
    _held()
    return True


def needed_bytes(num_threads: int) -> int:
    """Return what is taken at once: a buffer for each of two libraries, and the stacks of torch's threads and Arrow's."""
    return 2 * BUFFER_BYTES + (num_threads - 1 + ARROW_THREADS) * _stack_bytes()


@cache
def _held() -> None:
    """Take it."""
    threads, free = torch.get_num_threads(), free_memory_bytes()
    needed = needed_bytes(threads) + (LOADED_BYTES if "scipy.linalg" not in sys.modules else 0)
    if free < needed:
        fewer = ", or compute with one thread (OMP_NUM_THREADS=1)" if threads > 1 else ""
        raise OutOfMemoryError(
            f"out of memory while making room for products of matrices: {needed // MEBIBYTE:,} MiB are needed at once, and "
            f"{free // MEBIBYTE:,} MiB are left of the addresses that this process may take. Raise that limit (ulimit -v){fewer}."
        )
    # Loading them takes a moment, and where nothing is limited few commands need both.
    import pyarrow.csv
    from scipy.linalg import blas

    pyarrow.set_cpu_count(1)
    pyarrow.set_io_thread_count(1)
    square = torch.ones(SIDE, SIDE, dtype=torch.float64).numpy()
    square @ square
    blas.dgemm(1.0, square, square)
    torch.ones(threads * GRAIN).add_(1)
    with pyarrow.csv.open_csv(pyarrow.BufferReader(b"a\n1\n")) as reader:
        reader.read_all()


def _stack_bytes() -> int:
    """Return the addresses that a thread's stack takes."""
    import resource  # not on every system

    soft = resource.getrlimit(resource.RLIMIT_STACK)[0]
    # Without a limit, glibc takes 2 MiB on most systems, and others more.
    return USUAL_STACK_BYTES if soft == resource.RLIM_INFINITY else max(soft, 0)
