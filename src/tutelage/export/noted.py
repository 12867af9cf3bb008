"""Files of an export that lie in the folder of their run: its manifest vouches for them, as for the run's own.

Elsewhere, and where a run has no manifest, they are written all the same, and nothing is said of them.
"""

import os
from pathlib import Path

from tutelage.core.durable import sync_folder, write_durably
from tutelage.core.journal import read_journal
from tutelage.core.manifest import Manifest

__all__ = ["put_in_place", "write_noted"]


def put_in_place(aside: Path, path: Path, *, run: Path) -> None:
    """Give a file that was written aside its name; within the folder of the run that is noted before."""
    name = _name_in(run, path)
    if name:
        Manifest(run).note(name, aside)
    aside.replace(path)
    sync_folder(path.parent)


def write_noted(path: Path, content: bytes, *, run: Path) -> None:
    """Write a small file durably; within the folder of the run that is noted before."""
    name = _name_in(run, path)
    if name:
        Manifest(run).put(name, content)
    else:
        write_durably(path, content)


def _name_in(run: Path, path: Path) -> str:
    """Return what a run's manifest calls a file; "" where it lies elsewhere, or there is no manifest."""
    folder, file = Path(os.path.realpath(run)), Path(os.path.realpath(path.parent)) / path.name
    is_noted = folder in file.parents and bool(read_journal(run).num_lines)
    return file.relative_to(folder).as_posix() if is_noted else ""
