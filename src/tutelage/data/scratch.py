"""Arrays larger than the memory, on a disk: one temporary file each, gone with the process however it ends.

The file has no name, or loses it before anything is written, so nothing is ever left behind, not even by a killed process;
its room is given back once nobody holds the array any more. The folder is `$TMPDIR` where that is set; else that of the
cache (`tutelage.data.prepare.decoded`), else the system's folder for temporary files, which may lie in memory.
"""

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from tutelage.core.errors import DataError, DataProblem

__all__ = ["scratch_array", "scratch_folders"]


def scratch_folders(*, cache: Path) -> list[Path]:
    """Return where temporary files may lie, the best place first.

    Args:
        cache: The folder of the cache; it need not exist.
    """
    if os.environ.get("TMPDIR"):
        return [Path(os.environ["TMPDIR"])]
    return [cache, Path(tempfile.gettempdir())]


def scratch_array(shape: tuple[int, ...], *, dtype: Any, folders: Sequence[Path], what: str, remedy: str) -> np.memmap[Any, Any]:
    """Return a new array in a temporary file, to be written to.

    Args:
        shape: Its shape.
        dtype: Type of its values.
        folders: Where the file may lie; the first folder with enough room is taken.
        what: What the array holds, for messages, such as `200,000 images of 96x96 pixels`.
        remedy: What else the user can do where there is no room, such as `Make them smaller.`

    Raises:
        DataError: No folder has enough room.
    """
    size_bytes = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    refusals: list[str] = []
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            free_bytes = shutil.disk_usage(folder).free
            if free_bytes >= size_bytes:
                with tempfile.TemporaryFile(dir=folder) as file:
                    _reserve(file, size_bytes)
                    return np.memmap(file, dtype=dtype, mode="r+", shape=shape)
            refusals.append(f"{folder} has {free_bytes:,} free")
        except OSError as error:
            refusals.append(f"{folder} cannot be written to ({error.strerror})")
    found = f"they need {size_bytes:,} bytes in a temporary file; {'; '.join(refusals)}"
    raise DataError([DataProblem(what, found, f"Free some room, or set TMPDIR to a folder on a larger disk. {remedy}")])


def _reserve(file: IO[bytes], size_bytes: int) -> None:
    """Take the room now: writing to a memory map of a full disk would kill the process.

    Raises:
        OSError: There is not enough room.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size_bytes)
    else:
        file.truncate(size_bytes)
