"""Sees every file that this process opens for writing, renames, removes or syncs; for forked processes: it cannot be undone."""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

__all__ = ["kill_at", "watch_calls", "watch_writes"]

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink", "os.chmod"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
HARMLESS = ("/dev/", "/proc/")


def watch_writes(allowed: Sequence[Path], *, told: Path) -> None:
    """Write every place outside the allowed folders that is changed into a file, one a line."""
    roots = tuple(os.path.realpath(path) + os.sep for path in allowed)
    out = os.open(told, os.O_WRONLY | os.O_APPEND)

    def look(event: str, path: str) -> None:
        # The file's own name may be a link that is only renamed or removed: where it lies is what counts.
        whole = os.path.realpath(path) if event == "open" else os.path.realpath(Path(path).parent)
        if not (whole + os.sep).startswith(roots) and not whole.startswith(HARMLESS) and "__pycache__" not in whole:
            os.write(out, f"{event} {whole}\n".encode("utf-8", "backslashreplace"))

    watch_calls(look)


def watch_calls(look: Callable[[str, str], None]) -> None:
    """Ask `look(event, path)` before each call that changes the file system; syncs have the event `fsync`."""
    is_looking = False

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal is_looking
        if is_looking or not (event in CHANGES or event == "open"):
            return
        # What a symbolic link points to is not touched.
        path = arguments[1 if event == "os.symlink" else 0]
        if (event == "open" and not _is_writing(arguments)) or not isinstance(path, str | bytes):
            return
        is_looking = True
        try:
            look(event, os.path.abspath(os.fsdecode(path)))  # noqa: PTH100 - links stay what they are
        finally:
            is_looking = False

    sys.addaudithook(hook)


def kill_at(number: int, *, below: Path, by: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """Return what makes a process signal itself before its n-th change or sync below a folder, counted from 1.

    With 0 it never does, and says on standard error, as `changes=N`, how many there were.
    """
    root = os.path.realpath(below)

    def arm() -> None:
        count = 0

        def look(event: str, path: str) -> None:
            nonlocal count
            if event != "fsync" and not path.startswith(root):
                return
            count += 1
            if count == number:
                os.kill(os.getpid(), by)

        watch_calls(look)
        sync = os.fsync

        def fsync(opened: Any) -> None:
            look("fsync", "")
            sync(opened)

        os.fsync = fsync
        if not number:
            leave = os._exit

            def tell(code: int) -> None:
                os.write(2, f"changes={count}\n".encode())
                leave(code)

            os._exit = tell  # type: ignore[assignment]

    return arm


def _is_writing(arguments: tuple[Any, ...]) -> bool:
    """Tell whether an `open` event is for writing: Python's open gives a mode, the system's flags."""
    mode, flags = arguments[1], arguments[2]
    if isinstance(mode, str):
        return any(sign in mode for sign in "wax+")
    return isinstance(flags, int) and bool(flags & WRITING)
