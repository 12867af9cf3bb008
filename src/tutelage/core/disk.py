"""What the file system refuses, in words: which file, what was being done, bytes needed and free, and the remedy.

The system's own errors name no file where writing, syncing or closing fails: the name is put on where the file is written.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tutelage.core.errors import DiskError

__all__ = ["disk_error", "free_bytes", "naming", "size_limit"]

OTHERWISE = "Is the folder still there, and may it be written to?"
REMEDIES = {
    errno.ENOSPC: "Make room there, or choose another folder.",
    errno.EDQUOT: "The quota of this user is used up: make room, or choose another folder.",
    errno.EIO: "The disk reports a fault: look into the system's log, or choose a folder on another disk.",
    errno.EROFS: "That file system can only be read: mount it for writing, or choose another folder.",
    errno.EACCES: "This user may not do that there: change the rights (chmod), or choose another folder.",
    errno.EPERM: "This user may not do that there: change the rights (chmod), or choose another folder.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.EMFILE: "This process has as many files open as it may: raise the limit (ulimit -n).",
    errno.ENFILE: "The system has as many files open as it can: close other programs, or raise its limit (fs.file-max).",
    errno.EISDIR: "There is a folder of that name: move it away, or choose another name.",
    errno.ENOTDIR: "A part of that path is a file, not a folder: move it away, or choose another path.",
    errno.EEXIST: "A part of that path is a file, not a folder: move it away, or choose another path.",
}


@contextmanager
def naming(path: Path, done: str = "written", *, needs: int | None = None) -> Iterator[None]:
    """Give what the file system refuses inside its name.

    Args:
        path: The file, or folder, as people know it.
        done: What cannot be done to it: written, removed, read.
        needs: Bytes that it takes, where that is known.

    Raises:
        DiskError: The file system refused.
    """
    try:
        yield
    except OSError as error:
        raise disk_error(error, path=path, done=done, needs=needs) from error


def disk_error(error: OSError, *, path: Path, done: str = "written", needs: int | None = None, name: str = "") -> DiskError:
    """Return an error of the file system with everything that people need to know of it.

    Args:
        error: What the system said.
        path: As in `naming`, and so are `done` and `needs`.
        done: What cannot be done to it.
        needs: Bytes that it takes.
        name: What it is called instead of its path.
    """
    number, reason = error.errno or 0, error.strerror or str(error)
    free, folder = free_bytes(path), _folder(path)
    place = "this folder" if folder == Path() else str(folder)
    facts = [f"It needs {needs:,} bytes"] if needs is not None else []
    if free is not None and (facts or number in (errno.ENOSPC, errno.EDQUOT)):
        facts.append(f"{free:,}{'' if facts else ' bytes'} are free in {place}")
    said = f" {'; '.join(facts)}." if facts else ""
    return DiskError(f"{name or path}: cannot be {done} ({reason}).{said} {_remedy(number, path)}", path=str(path), number=number)


def free_bytes(path: Path) -> int | None:
    """Return the bytes that a user may still write where a file is, or will be; None where that cannot be told."""
    try:
        return shutil.disk_usage(_folder(path)).free
    except OSError:
        return None


def size_limit() -> int | None:
    """Return the most bytes that this process may write to a file; None where nothing limits them."""
    try:
        import resource  # not on every system
    except ImportError:
        return None
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def _remedy(number: int, path: Path) -> str:
    """Return what the user can do."""
    if number == errno.EFBIG:
        limit = size_limit()
        found = (
            "Files may not be that large there"
            if limit is None
            else f"This process may not write more than {limit:,} bytes to a file"
        )
        return f"{found}: raise it (ulimit -f), or choose a file system for larger files."
    if number == errno.ENOSPC and _has_no_names(path):
        return "No further file can be made there, whatever its size (inodes): remove some files, or choose another folder."
    return REMEDIES.get(number, OTHERWISE)


def _has_no_names(path: Path) -> bool:
    """Tell whether a file system can hold no further file; some do not count them."""
    try:
        found = os.statvfs(_folder(path))
    except (OSError, AttributeError):
        return False
    return found.f_files > 0 and found.f_favail == 0


def _folder(path: Path) -> Path:
    """Return the folder that a path is in, or the nearest one above it that is there."""
    return next((each for each in path.parents if os.path.isdir(each)), path.parent)  # noqa: PTH112 - never raises
