"""Files that are whole after a crash at any moment: written aside, synced, renamed."""

import errno
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["replacing", "sweep", "write_durably", "write_json"]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path aside to write to; what is there at the end takes the file's place.

    After a crash at any moment the old or the new content is there, whole; after an error the old one.
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
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    try:
        _sync(path.parent)
    except OSError as error:
        # Some network file systems cannot sync a folder: there a rename is durable when the server says so.
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise


def write_durably(path: Path, content: bytes) -> None:
    """Replace a file such that after a crash at any moment either the old or the new content is there, whole."""
    with replacing(path) as aside:
        aside.write_bytes(content)


def write_json(path: Path, record: object) -> None:
    """Write a record as indented JSON, durably."""
    # A lone surrogate, which UTF-8 has not, is replaced by what is its escape in JSON, so that it is read back as it was.
    write_durably(path, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace"))


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
