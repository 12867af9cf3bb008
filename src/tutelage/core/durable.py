"""Files that are whole after a crash at any moment: written aside, synced, renamed."""

import errno
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tutelage.core.disk import naming

__all__ = ["replacing", "sweep", "write_durably", "write_json"]


@contextmanager
def replacing(path: Path, *, needs: int | None = None) -> Iterator[Path]:
    """Give a path aside to write to; what is there at the end takes the file's place.

    After a crash at any moment the old or the new content is there, whole; after an error the old one, and nothing aside.

    Args:
        path: The file.
        needs: Bytes that it takes, where that is known.

    Raises:
        DiskError: The file system refused.
    """
    # A short name: where the file's own may just be as long as it is, this one is no longer.
    aside = path.with_name(f".{secrets.token_hex(4)}.tmp")
    with naming(path, needs=needs):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            aside.touch(exist_ok=False)
            mode = aside.stat().st_mode
            yield aside
            # A writer that puts a file of its own there may have kept others from reading it.
            aside.chmod(mode)
            _sync(aside)
            aside.replace(path)
        finally:
            # Its room is given back at once; and what went wrong before is what is told.
            with suppress(OSError):
                aside.unlink(missing_ok=True)
        try:
            _sync(path.parent)
        except OSError as error:
            # Some network file systems cannot sync a folder: there a rename is durable when the server says so.
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
                raise


def write_durably(path: Path, content: bytes) -> None:
    """Replace a file such that after a crash at any moment either the old or the new content is there, whole.

    Raises:
        DiskError: The file system refused.
    """
    with replacing(path, needs=len(content)) as aside:
        aside.write_bytes(content)


def write_json(path: Path, record: object) -> None:
    """Write a record as indented JSON, durably."""
    write_durably(path, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())


def sweep(folder: Path) -> None:
    """Remove what killed writers left half done, in a folder that nobody else writes to."""
    # The second is what safetensors writes to first.
    for pattern in (".*.tmp", ".tmp??????"):
        for path in folder.rglob(pattern):
            with naming(path, "removed"):
                path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
