"""A run folder, made once and read by everybody; `lock.py` says who may train in it."""

from pathlib import Path

from tutelage.core import layout
from tutelage.core.errors import RunError, UsageError

__all__ = ["create_folder", "run_folder"]


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
    if not any((folder / name).is_file() for name in (layout.PLAN, layout.MANIFEST)):
        found = "no such folder" if not folder.exists() else f"there is no {layout.PLAN} in it"
        raise RunError(f"{folder}: not a run folder ({found}). `tutelage runs` lists the runs.")
    return folder
