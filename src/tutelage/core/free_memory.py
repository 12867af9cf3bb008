"""How much more memory this process may take now: what the machine, its container and its own limit leave."""

import os
import re
import sys
from contextlib import suppress
from pathlib import Path

from tutelage.core.control_groups import memory_groups

__all__ = ["free_memory_bytes"]

KIB = 1024


def free_memory_bytes() -> int:
    """Return the bytes that this process may still take; a very large number where the system does not say."""
    if not hasattr(os, "sysconf"):
        return sys.maxsize
    import resource  # not on every system

    room = sys.maxsize
    if (available := _entry("/proc/meminfo", "MemAvailable")) is not None:
        room = min(room, KIB * available)
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    # A limit on addresses counts all of them, used or not.
    if soft != resource.RLIM_INFINITY and (taken := _entry("/proc/self/status", "VmSize")) is not None:
        room = min(room, soft - KIB * taken)
    for group in memory_groups():
        most, used = _number(group.limit), _number(group.usage)
        if most is not None and used is not None:
            room = min(room, most - used + (_entry(group.statistics, group.freed) or 0))
    return max(room, 0)


def _entry(path: str | Path, name: str) -> int | None:
    """Return a number of a file with a name and a number on each line; None where it is not there."""
    with suppress(OSError, ValueError):
        found = re.search(rf"^{name}:?\s+(\d+)", Path(path).read_text(encoding="utf-8"), re.MULTILINE)
        return int(found[1]) if found else None
    return None


def _number(path: Path) -> int | None:
    """Return the number in a file; None where there is none, as of a container without a limit."""
    with suppress(OSError, ValueError):
        return int(path.read_text(encoding="utf-8"))
    return None
