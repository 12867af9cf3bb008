"""Linux's control groups: what a container, or a job of a cluster, lets its processes have of the machine's memory.

A group's limit holds for all groups below it too, so the process's own group and all above it are looked at.
Source: the kernel's documentation, "Control Group v2" and "Memory Resource Controller" (version 1); proc_pid_mountinfo(5).
"""

from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple

__all__ = ["MemoryGroup", "memory_groups"]

OWN, MOUNTS = Path("/proc/self/cgroup"), Path("/proc/self/mountinfo")


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
    """Return this process's own group and all above it, in both versions of control groups; nothing where there are none."""
    own, found = _own(), list[MemoryGroup]()
    for version, root, at in _mounts():
        limit, usage, freed = (
            ("memory.max", "memory.current", "inactive_file")
            if version == 2
            else ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        )
        for folder in _folders(own.get(version, PurePosixPath("/")), root=root, at=at):
            found.append(MemoryGroup(folder / limit, folder / usage, folder / "memory.stat", freed))
    return found


def _own() -> dict[int, PurePosixPath]:
    """Return the path of this process's group in each version, as the kernel names it."""
    found = dict[int, PurePosixPath]()
    with suppress(OSError, ValueError):
        for line in OWN.read_text(encoding="utf-8").splitlines():
            number, controllers, path = line.split(":", 2)
            if number == "0" or "memory" in controllers.split(","):
                found[2 if number == "0" else 1] = PurePosixPath(path)
    return found


def _mounts() -> list[tuple[int, PurePosixPath, Path]]:
    """Return where groups are seen: the version, which group is seen at the top, and the folder of that one."""
    found = []
    with suppress(OSError, ValueError):
        for line in MOUNTS.read_text(encoding="utf-8").splitlines():
            before, _, after = line.partition(" - ")
            kind, _, options = after.split(" ", 2)
            if kind == "cgroup2" or (kind == "cgroup" and "memory" in options.split(",")):
                _, _, _, root, at, *_ = before.split(" ")
                found.append((2 if kind == "cgroup2" else 1, PurePosixPath(_plain(root)), Path(_plain(at))))
    return found


def _plain(said: str) -> str:
    r"""Return a path of a list of mounts, where blanks are said as \040."""
    return said.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")


def _folders(own: PurePosixPath, *, root: PurePosixPath, at: Path) -> list[Path]:
    """Return the folders of a group and of all above it that are seen, the own one first."""
    # A group outside of what is seen is told with dots, or begins otherwise: then the one at the top is what is known.
    inside = own.relative_to(root) if own.is_relative_to(root) and ".." not in own.parts else PurePosixPath()
    return [at / inside, *(at / each for each in inside.parents)]
