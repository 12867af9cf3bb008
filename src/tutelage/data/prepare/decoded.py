"""Decoded images as one memory-mapped file, made once and checked each time it is opened.

Not a component. The folder is that of `core/cache_folder.py`; it can be deleted at any time. What has not been used for longest
goes when it holds more than `LIMIT_BYTES`. Sets of very many images are not kept: `tutelage.data.prepare.pixels` puts them into
a temporary file.
"""

import contextlib
import hashlib
import json
import os
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tutelage.core.border import parse_object, read_bounded
from tutelage.core.cache_folder import cache_folder
from tutelage.core.disk import naming

__all__ = ["load_or_make"]

LIMIT_BYTES = 16 * 2**30
CHUNK_BYTES = 2**24
MOST_BYTES = 4096
"""Largest note beside the pixels."""
ABANDONED_SECONDS = 86_400
"""Age from which a file that is still being written belongs to a process that was killed."""
VERSION = 1
"""Raised whenever the same image and settings give other pixels."""

Fill = Callable[[np.ndarray], None]


def load_or_make(key: str, *, shape: tuple[int, ...], fill: Fill) -> np.ndarray:
    """Return the pixels kept under a key, or make and keep them.

    Args:
        key: Everything the pixels depend on.
        shape: [N, H, W, C].
        fill: Writes all pixels into the array it is given; what it raises is passed on, and nothing is kept.

    Returns:
        uint8 array of that shape; writing to it changes neither the file nor other users of it.

    Raises:
        DiskError: The disk reports a fault in what was written.
    """
    path = cache_folder() / (hashlib.sha256(f"{VERSION} {shape} {key}".encode()).hexdigest()[:32] + ".npy")
    pixels = _open(path, shape)
    if pixels is not None:
        return pixels
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        target = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        _reserve(temporary)
    except OSError:  # a home that is full or cannot be written to costs time on the next run, nothing else
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        pixels = np.empty(shape, dtype=np.uint8)
        fill(pixels)
        return pixels
    try:
        fill(target)
        with naming(path):
            target.flush()
        is_kept = _keep(target, temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    if not is_kept:
        return target
    _make_room(keep=path)
    kept: np.ndarray = np.load(path, mmap_mode="c", allow_pickle=False)
    return kept


def _keep(pixels: np.ndarray, temporary: Path, path: Path) -> bool:
    """Give a file that was made its name, and the note that it is checked by; False where the disk refuses: then it has none."""
    note = temporary.with_suffix(".note")
    try:
        temporary.replace(path)
        note.write_text(json.dumps({"shape": pixels.shape, "crc32": _checksum(pixels)}), encoding="utf-8")
        note.replace(path.with_suffix(".json"))
    except OSError:  # costs time on the next run, nothing else: who has the file open keeps its pixels
        for left in (note, path):
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)
        return False
    return True


def _reserve(path: Path) -> None:
    """Take the whole file's room on the disk now: writing to a memory map of a full disk would kill the process.

    Raises:
        OSError: There is not enough room.
    """
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _open(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """Open a kept file, or return None where it is missing, cut off or changed."""
    try:
        record = parse_object(read_bounded(path.with_suffix(".json"), most=MOST_BYTES))
        pixels = np.load(path, mmap_mode="c", allow_pickle=False)
        os.utime(path)
    except (OSError, ValueError):
        return None
    is_whole = pixels.shape == shape and pixels.dtype == np.uint8 and record.get("crc32") == _checksum(pixels)
    return pixels if is_whole else None


def _checksum(pixels: np.ndarray) -> int:
    """Return the CRC-32 of an array, read in pieces."""
    flat, value = pixels.reshape(-1), 0
    for start in range(0, len(flat), CHUNK_BYTES):
        value = zlib.crc32(flat[start : start + CHUNK_BYTES].data, value)
    return value


def _make_room(*, keep: Path) -> None:
    """Delete the files used longest ago until the folder is within its limit, and what killed processes left half written."""
    with contextlib.suppress(OSError):  # another run may be deleting too
        ages = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in keep.parent.glob("*.npy"))
        excess = sum(size for _, size, _ in ages) - LIMIT_BYTES
        for _, size, path in ages:
            if excess > 0 and path != keep:
                path.with_suffix(".json").unlink(missing_ok=True)
                path.unlink(missing_ok=True)
                excess -= size
        for path in keep.parent.glob("*.tmp"):
            if time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                path.unlink(missing_ok=True)
