"""Files that are whole after a crash at any moment: written aside, synced, renamed."""

import json
import os
import secrets
from pathlib import Path

__all__ = ["write_durably", "write_json"]


def write_durably(path: Path, content: bytes) -> None:
    """Replace a file such that after a crash at any moment either the old or the new content is there, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def write_json(path: Path, record: object) -> None:
    """Write a record as indented JSON, durably."""
    write_durably(path, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())
