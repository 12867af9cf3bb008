"""A run folder, as everybody reads it; `birth.py` makes it, `lock.py` says who may train in it."""

import json
from pathlib import Path
from typing import Any

from tutelage.core import layout
from tutelage.core.errors import RunError
from tutelage.core.plain import check_plain

__all__ = ["read_json", "run_folder"]


def run_folder(path: str | Path) -> Path:
    """Return the path of a run folder.

    Raises:
        RunError: It is not one, or what is in it leads elsewhere.
    """
    folder = Path(path)
    check_plain(folder)
    if not (folder / layout.PLAN).is_file():
        found = "no such folder" if not folder.exists() else f"there is no {layout.PLAN} in it"
        raise RunError(f"{folder}: not a run folder ({found}). `tutelage runs` lists the runs.")
    return folder


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of a run folder.

    Raises:
        RunError: It is missing or damaged.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: cannot be read ({error}).") from error
    if not isinstance(record, dict):
        raise RunError(f"{path}: expected a JSON object.")
    return record
