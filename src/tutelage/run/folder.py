"""A run folder, as everybody reads it; `birth.py` makes it, `lock.py` says who may train in it."""

import os
from pathlib import Path

from tutelage.core import layout
from tutelage.core.errors import RunError
from tutelage.core.plain import check_plain

__all__ = ["run_folder"]


def run_folder(path: str | Path) -> Path:
    """Return the path of a run folder.

    Raises:
        RunError: It is not one, or what is in it leads elsewhere.
    """
    folder = Path(path)
    check_plain(folder)
    # One that is only being born in an existing folder has a manifest before it has a plan.
    is_begun = os.path.lexists(folder / layout.BIRTH_MARK)
    if not any((folder / name).is_file() for name in (layout.PLAN, layout.MANIFEST)[: 1 if is_begun else 2]):
        found = "no such folder" if not folder.exists() else f"there is no {layout.PLAN} in it"
        raise RunError(f"{folder}: not a run folder ({found}). `tutelage runs` lists the runs.")
    return folder
