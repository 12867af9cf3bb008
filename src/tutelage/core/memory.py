"""Memory that was asked for and not there: known by its many names, and told with what was being done.

A limit set from outside (`ulimit -v`) and a full machine look alike here. A process that the system kills without asking it
(a container's limit) cannot say anything: its run is resumed from the newest checkpoint.
"""

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tutelage.core.control_groups import memory_groups
from tutelage.core.errors import OutOfMemoryError

__all__ = ["is_out_of_memory", "memory_bytes", "memory_told", "out_of_memory"]

PHRASES = (
    "can't allocate memory",
    "cannot allocate memory",
    "unable to allocate",
    "not enough memory",
    "out of memory",
    "bad_alloc",
    "bad allocation",
    "alloc_failed",
    "could not create a memory",
    "could not create a primitive",
    "could not execute a primitive",
    "unable to find an engine to execute",
    "storage size calculation overflow",
    "numel: integer multiplication overflow",
    "invalid buffer size",
    "mmap failed",
    "can't start new thread",
    "failed to launch worker thread",
    "failed to map segment",
)
"""How libraries say it in an error that is no `MemoryError`."""
ASKED = re.compile(r"allocate:? ([\d.]+ ?(?:bytes|[KMGT]i?B))", re.IGNORECASE)
"""How many bytes were asked for, where a library says so."""
PLAIN = re.compile(r"unexpected argument type <class '(?:bool|float|int|str)'> for compute function")
"""What Arrow says of a number that it knows well, where making it a value of its own failed for whatever reason."""
REMEDY = "Make the batch (--set batch_size=), the size of the inputs or the model smaller, or give the process more memory."


def memory_bytes() -> int:
    """Return how much memory this process may use: what the machine has, its container, or its own limit on addresses."""
    if not hasattr(os, "sysconf"):
        return sys.maxsize
    import resource  # not on every system

    most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        most = min(most, soft)
    for group in memory_groups():
        # One without a limit says `max`.
        with suppress(OSError, ValueError):
            most = min(most, int(group.limit.read_text(encoding="utf-8")))
    return most


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that there was no memory, whichever library raised it."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, SystemError):
        # What a library in C leaves of a lack of memory that it has not looked for.
        return "without exception set" in str(error) or "without setting an exception" in str(error)
    if isinstance(error, TypeError):
        return PLAIN.search(str(error)) is not None
    # Arrow's errors have a class of their own; one of them quotes cells, which may hold any words.
    is_arrow = type(error).__module__.startswith("pyarrow") and type(error).__name__ != "ArrowInvalid"
    if not (isinstance(error, RuntimeError | ImportError) or is_arrow):
        return False
    if any(phrase in str(error).lower() for phrase in PHRASES):
        return True
    # A library that cannot be loaded may say "seems to be broken", and name the cause behind that.
    return error.__cause__ is not None and is_out_of_memory(error.__cause__)


def out_of_memory(found: str, *, doing: str) -> OutOfMemoryError:
    """Return the error that says what was being done, how much was asked for, and what helps.

    Args:
        found: The library's own words, in which the number of bytes is looked for.
        doing: What was being done, such as `reading the data`.
    """
    asked = ASKED.search(found)
    how_much = f": {asked.group(1)} were asked for and not there" if asked else ""
    return OutOfMemoryError(f"out of memory while {doing}{how_much}. {REMEDY}")


@contextmanager
def memory_told(doing: str) -> Iterator[None]:
    """While entered, a lack of memory becomes an error that names what was being done; the innermost name counts.

    Raises:
        OutOfMemoryError: There was no memory.
    """
    found = ""
    try:
        yield
        return
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        found = str(error)
    # Outside of the handler: the frames that hold what filled the memory are gone.
    raise out_of_memory(found, doing=doing)
