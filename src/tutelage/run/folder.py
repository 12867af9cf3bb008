"""A run folder, made once and read by everybody; `lock.py` says who may train in it."""

import json
from pathlib import Path
from typing import Any

from tutelage.core import layout
from tutelage.core.errors import RunError, UsageError

__all__ = ["create_folder", "read_json", "run_folder"]


def create_folder(out: str, *, name: str) -> Path:
    """Make a new run folder; an existing run is never written over.

    Args:
        out: Where the user wants it; "" = below runs/, numbered.
        name: The data set's short name.

    Raises:
        UsageError: The folder wished for holds something already.
    """
    if out:
        folder = Path(out)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"--out {out}: not empty. Choose a new folder, or continue that run: tutelage resume {out}.")
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    number = 1
    while True:
        folder = Path("runs") / f"{name}-{number:03d}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
        else:
            return folder


def run_folder(path: str | Path) -> Path:
    """Return the path of a run folder.

    Raises:
        RunError: It is not one.
    """
    folder = Path(path)
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
