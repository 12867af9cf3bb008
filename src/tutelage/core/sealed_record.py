"""Records that carry a SHA-256 over themselves, for files that no manifest vouches for: a changed digit is seen.

For what lies in the user's cache folder. The files of a run have their manifest (`core/manifest.py`).
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tutelage.core.border import BorderError, parse_object

__all__ = ["sealed", "unsealed"]

SEAL = "sha256"
"""The key under which the hash stands."""


def sealed(record: Mapping[str, Any]) -> bytes:
    """Return a record of JSON values as one line, without its end."""
    return json.dumps({**record, SEAL: _seal(record)}).encode()


def unsealed(content: bytes) -> dict[str, Any]:
    """Return the record that `sealed` wrote.

    Raises:
        BorderError: It is no such record, or not the one that was written.
    """
    record = parse_object(content)
    if record.pop(SEAL, None) != _seal(record):
        raise BorderError("is not what was written: another SHA-256")
    return record


def _seal(record: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a record, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(dict(record), sort_keys=True).encode()).hexdigest()
