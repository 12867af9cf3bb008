"""The border to a run folder that somebody else may have made: its files are plain ones in it, and lead nowhere else.

A symbolic link would let a training write, and a report read, outside the folder; opening a pipe waits for ever. So each
name of `core/layout.py` is looked at before anything is opened. The run folder itself may be reached through a link.
"""

import errno
import os
import stat
from pathlib import Path

from tutelage.core import layout
from tutelage.core.errors import RunError

__all__ = ["check_plain", "open_plain"]

KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
    stat.S_IFREG: "a file",
}
FILE, FOLDER = stat.S_IFREG, stat.S_IFDIR


def check_plain(folder: Path, *, is_resumed: bool = False) -> None:
    """Look at everything in a run folder that tutelage would open; what is not there is left to others.

    Args:
        folder: The run folder.
        is_resumed: Whether its logs will be written on, in place.

    Raises:
        RunError: Something is a link, or not a file or a folder as expected.
    """
    for name in layout.FILES:
        _check(folder / name, FILE, shared=name not in (layout.EVENTS, layout.METRICS) or not is_resumed)
    for name in layout.FOLDERS:
        if _check(folder / name, FOLDER):
            for entry in list(os.scandir(folder / name)):
                if entry.name.endswith(layout.CHECKPOINT_SUFFIX):
                    _check(Path(entry.path), FILE)


def open_plain(path: Path, flags: int, *, name: str = "", within: int | None = None) -> int:
    """Open a file in place, as `os.open` does: only a plain one, through no link, and without waiting.

    Args:
        path: The file, for people.
        flags: Those of `os.open`.
        name: The file as it is opened; "" = by its path.
        within: An open folder that `name` is in.

    Raises:
        RunError: It is a link, or not a plain file, or has a second name elsewhere.
    """
    try:
        opened = os.open(name or path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666, dir_fd=within)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            kind = "a link" if error.errno == errno.ELOOP else "a folder" if error.errno == errno.EISDIR else "a pipe or a socket"
            raise RunError(_refusal(path, kind, FILE)) from error
        raise OSError(error.errno, error.strerror, str(path)) from error
    try:
        _judge(path, os.fstat(opened), FILE, shared=False)
    except RunError:
        os.close(opened)
        raise
    return opened


def _check(path: Path, kind: int, *, shared: bool = True) -> bool:
    """Look at one name without following it; False where there is nothing."""
    try:
        _judge(path, path.lstat(), kind, shared=shared)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _judge(path: Path, found: os.stat_result, kind: int, *, shared: bool) -> None:
    """Refuse what is of another kind, or has a second name although it will be written in place."""
    if stat.S_IFMT(found.st_mode) != kind:
        raise RunError(_refusal(path, KINDS.get(stat.S_IFMT(found.st_mode), "no file"), kind))
    if not shared and found.st_nlink > 1:
        raise RunError(
            f"{path}: has a second name elsewhere (a hard link), and writing here would change it there too. "
            f"Give the run a file of its own: cp {path} {path}.own && mv {path}.own {path}"
        )


def _refusal(path: Path, found: str, kind: int) -> str:
    """Say what is there in place of a plain file or folder."""
    if "link" in found:
        remedy = "It may lead out of the run folder, so it was not opened. If you want what it leads to: cp -rL RUN COPY"
    else:
        remedy = "It was not opened. Remove it, or bring an intact copy of the run back"
    return f"{path}: is {found}, expected {'a plain file' if kind == FILE else 'a folder'}. {remedy}."
