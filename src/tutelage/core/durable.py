"""Files that are whole after a crash at any moment: written aside, synced, renamed."""

import errno
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["replacing", "sweep", "write_durably"]


@contextmanager
def replacing(path: Path, *, announce: Callable[[Path], None] | None = None) -> Iterator[Path]:
    """Give a path aside to write to; what is there at the end takes the file's place.

    After a crash at any moment the old or the new content is there, whole; after an error the old one.

    Args:
        path: The file.
        announce: Told of the file aside once it is on the disk, before it takes its place; where this fails, nothing changes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
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
        aside.unlink(missing_ok=True)
    try:
        _sync(path.parent)
    except OSError as error:
        # Some network file systems cannot sync a folder: there a rename is durable when the server says so.
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise


def write_durably(path: Path, content: bytes, *, announce: Callable[[Path], None] | None = None) -> None:
    """Replace a file such that after a crash at any moment either the old or the new content is there, whole."""
    with replacing(path, announce=announce) as aside:
        aside.write_bytes(content)


def sweep(folder: Path) -> None:
    """Remove what killed writers left half done, in a folder that nobody else writes to."""
    # The second is what safetensors writes to first.
    for pattern in (".*.tmp", ".tmp??????"):
        for path in folder.rglob(pattern):
            path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
