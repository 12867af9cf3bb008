"""Linux's control groups: what a container, or a job of a cluster, lets its processes have of the machine's memory.

A group's limit holds for all groups below it too, so the process's own group and all above it are looked at.
Source: the kernel's documentation, "Control Group v2" and "Memory Resource Controller" (version 1).
"""

from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple

__all__ = ["MemoryGroup", "memory_groups"]

OWN = Path("/proc/self/cgroup")
FIRST, SECOND = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
"""Where the groups of version 1 and 2 are."""


class MemoryGroup(NamedTuple):
    """Files that tell of a group's memory; which of them are there depends on the system.

    Attributes:
        limit: Bytes that it may take, or `max`.
        usage: Bytes that it takes.
        statistics: What of.
        freed: The entry there for pages of files that are given up when memory is asked for.
    """

    limit: Path
    usage: Path
    statistics: Path
    freed: str


def memory_groups() -> list[MemoryGroup]:
    """Return this process's own group and all above it, in both versions of control groups."""
    second = ("memory.max", "memory.current", "inactive_file")
    first = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    return [
        MemoryGroup(folder / limit, folder / usage, folder / "memory.stat", freed)
        for root, version, (limit, usage, freed) in ((SECOND, 2, second), (FIRST, 1, first))
        for folder in _folders(root, version=version)
    ]


def _folders(root: Path, *, version: int) -> list[Path]:
    """Return the folders of the groups, the own one first; within a container often the root alone."""
    own = PurePosixPath("/")
    with suppress(OSError, ValueError):
        for line in OWN.read_text(encoding="utf-8").splitlines():
            number, controllers, path = line.split(":", 2)
            is_it = number == "0" if version == 2 else "memory" in controllers.split(",")
            # A group outside of what this process may see is told with dots.
            if is_it and ".." not in path:
                own = PurePosixPath(path)
    return [root / str(each).lstrip("/") for each in (own, *own.parents)]
