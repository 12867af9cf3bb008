"""Where an exported file may be written: under a name that tells its format, with nobody else's files beside it."""

import json
from pathlib import Path

from tutelage.core.errors import UsageError

__all__ = ["record_beside", "require_free", "require_suffix", "tokenizer_beside"]

MOST_BYTES = 2**28
"""Of a file that may be the record of an export."""


def record_beside(file: Path) -> Path:
    """Return where what is said beside an exported file is written: one for each format, which say other inputs."""
    return file.with_name(f"{file.name}.json")


def tokenizer_beside(file: Path, number: str = "") -> Path:
    """Return where the tokenizer of an exported file is written; of one of several the name has a number."""
    return file.with_name(f"{file.name}.tokenizer{number}.json")


def require_suffix(file: Path, suffix: str) -> None:
    """Refuse a name by which nobody could tell the format.

    Raises:
        UsageError: It ends in something else, or is a folder.
    """
    if file.is_dir():
        raise UsageError(f"--out {file}: is a folder. Choose the name of a file that ends in {suffix}.")
    if file.suffix != suffix:
        found = f"ends in {file.suffix!r}, where {suffix!r} is expected: files are read by their ending"
        raise UsageError(f"--out {file}: {found}. Such as {file.with_name((file.stem or 'model') + suffix)}.")


def require_free(file: Path, beside: Path, *, version: str) -> None:
    """Refuse to write over what stands beside an exported file, unless an export wrote that too.

    Args:
        file: The exported file.
        beside: What is to be written beside it.
        version: What records of exports say that they are.

    Raises:
        UsageError: It would be lost.
    """
    if not beside.exists() or _is_record(record_beside(file), version):
        return
    found = f"{beside} would be written beside it, over a file that no export has written"
    raise UsageError(f"--out {file}: {found}. Choose another name, or move that file away.")


def _is_record(path: Path, version: str) -> bool:
    """Tell whether a file is the record of an export."""
    try:
        told = json.loads(path.read_bytes()) if path.stat().st_size <= MOST_BYTES else None
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and told.get("format") == version
