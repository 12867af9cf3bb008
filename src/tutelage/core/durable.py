"""Files that are whole after a crash at any moment: written aside, synced, renamed; folders whose names stay.

A name is on the disk once the folder that holds it is synced: a new file, a new folder and a rename are lost in a power cut
before that, however often the file itself was synced.
"""

import errno
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path

from tutelage.core.disk import naming
from tutelage.core.errors import DiskError
from tutelage.core.layout import FOLDERS

__all__ = ["is_left_over", "left_over", "make_folder", "replacing", "sweep", "sync_folder", "sync_way", "write_durably"]

LEFT_OVER = (".*.tmp", ".tmp??????")
"""Names that are written aside; the second is what safetensors writes to first."""
ATTEMPTS = 3


@contextmanager
def replacing(path: Path, *, needs: int | None = None, announce: Callable[[Path], None] | None = None) -> Iterator[Path]:
    """Give a path aside to write to; what is there at the end takes the file's place.

    After a crash at any moment the old or the new content is there, whole; after an error the old one, and nothing aside.
    Once this returns without one, a power cut does not take the new content away.

    Args:
        path: The file.
        needs: Bytes that it takes, where that is known.
        announce: Told of the file aside once it is on the disk, before it takes its place; where this fails, nothing changes.

    Raises:
        DiskError: The file system refused.
    """
    # A short name: where the file's own may just be as long as it is, this one is no longer.
    aside = path.with_name(f".{secrets.token_hex(4)}.tmp")
    with naming(path, needs=needs):
        make_folder(path.parent)
        try:
            aside.touch(exist_ok=False)
            mode = aside.stat().st_mode
            yield aside
            # A writer that puts a file of its own there may have kept others from reading it.
            aside.chmod(mode)
            _sync(aside)
            if announce is not None:
                announce(aside)
            aside.replace(path)
        finally:
            # Its room is given back at once; and what went wrong before is what is told.
            with suppress(OSError):
                aside.unlink(missing_ok=True)
        sync_folder(path.parent)


def write_durably(path: Path, content: bytes, *, announce: Callable[[Path], None] | None = None) -> None:
    """Replace a file such that after a crash at any moment either the old or the new content is there, whole.

    Raises:
        DiskError: The file system refused.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with replacing(path, needs=len(content), announce=announce) as aside:
                aside.write_bytes(content)
        except DiskError as error:
            # Who begins to work in a run folder sweeps it, and may meet what a report, which works without owning it, is writing.
            if error.number != errno.ENOENT or attempt == ATTEMPTS or not path.parent.is_dir():
                raise
        else:
            return


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing; the names of all that were made are on the disk when this returns."""
    if folder.is_dir() or folder == folder.parent:
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Wait until a folder's list of names is on the disk."""
    try:
        _sync(folder)
    except OSError as error:
        # Some network file systems cannot sync a folder: there a name is durable when the server says so.
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise


def sync_way(path: Path) -> None:
    """Wait until every name that leads to a path is on the disk, up to the root of its file system.

    A folder above may have been made by a process that was killed before it could sync it.
    """
    place = path.resolve()
    device = place.stat().st_dev
    for above in place.parents:
        if above.stat().st_dev != device:
            return
        # A folder that may be passed but not read was not made by this user.
        with suppress(PermissionError):
            sync_folder(above)


def is_left_over(name: str) -> bool:
    """Tell whether a name is one that is written aside."""
    return any(fnmatchcase(name, pattern) for pattern in LEFT_OVER)


def left_over(folder: Path) -> Iterator[Path]:
    """Give what killed writers left half done in a run folder; links are not followed."""
    for inside in (folder, *(folder / name for name in FOLDERS)):
        if not inside.is_dir() or (inside != folder and inside.is_symlink()):
            continue
        for entry in list(os.scandir(inside)):
            if is_left_over(entry.name) and not entry.is_dir(follow_symlinks=False):
                yield Path(entry.path)


def sweep(folder: Path) -> None:
    """Remove what killed writers left half done, in a run folder that nobody else writes to."""
    for path in left_over(folder):
        with naming(path, "removed"):
            path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
