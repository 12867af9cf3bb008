"""A disk that refuses: in this process, the Nth operation below a folder fails, once or from then on.

Python's own ways to the disk are replaced while it is entered; what safetensors writes by itself counts as one write.
"""

import builtins
import errno
import io
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import safetensors

from tutelage.model import stored

__all__ = ["Fault", "Operation", "injected"]

Kind = Literal["ENOSPC", "EIO", "EROFS", "short", "kill"]
CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


@dataclass(frozen=True, slots=True)
class Operation:
    """Something asked of the file system: what, and of which file."""

    what: str
    path: str


@dataclass
class Fault:
    """Which operation fails, and how.

    Attributes:
        root: Only what lies below this folder counts.
        at: The number of the operation, from 1; 0 lets all of them pass.
        kind: What the system says; `short` writes the half of what it was given, then says that the disk is full; `kill` ends
            the process instead.
        lasting: Whether all later ones fail too.
        until: While it is lasting, whether it is over; asked each time.
        passed: All operations so far.
        fired: Those that failed.
    """

    root: Path
    at: int = 0
    kind: Kind = "ENOSPC"
    lasting: bool = False
    until: Callable[[], bool] = lambda: False
    passed: list[Operation] = field(default_factory=list)
    fired: list[Operation] = field(default_factory=list)
    _full: bool = False
    _lock: Any = field(default_factory=threading.Lock)

    def is_due(self, what: str, path: object) -> bool:
        """Count an operation, and tell whether it fails."""
        full = _absolute(path)
        if full is None or not full.startswith(str(self.root)):
            return False
        if self.kind == "short" and what != "write":
            return False
        with self._lock:
            self.passed.append(Operation(what, full))
            number = len(self.passed)
            due = bool(self.at) and (number == self.at or (self.lasting and number > self.at and not self.until()))
            if self._full:
                due, self._full = True, self.lasting
            if due:
                self.fired.append(self.passed[-1])
            return due

    def error(self) -> OSError:
        """Return what the system says."""
        if self.kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        number = errno.ENOSPC if self.kind == "short" else getattr(errno, self.kind)
        return OSError(number, os.strerror(number))

    def ask(self, what: str, path: object) -> None:
        """Count an operation, and let it fail where it is its turn."""
        if self.is_due(what, path):
            raise self.error()

    def cut(self, size: int, path: object) -> int:
        """Return how many of some bytes are written: all, or some where the disk is just filling up."""
        if not self.is_due("write", path):
            return size
        if self.kind == "short" and size > 1 and not self._full:
            self._full = True
            return size // 2
        raise self.error()


class RefusingFile(io.FileIO):
    """An open file whose writes may fail."""

    fault: Fault

    def write(self, content: Any) -> int:
        view = memoryview(content).cast("B")
        return super().write(view[: self.fault.cut(len(view), self.fileno())]) or 0

    def truncate(self, size: int | None = None) -> int:
        self.fault.ask("truncate", self.fileno())
        return super().truncate(size)


@contextmanager
def injected(fault: Fault) -> Iterator[Fault]:
    """Let a fault happen to everything that is done inside."""
    patches = _patches(fault)
    before = [getattr(owner, name) for owner, name, _ in patches]
    for owner, name, replacement in patches:
        setattr(owner, name, replacement)
    try:
        yield fault
    finally:
        for (owner, name, _), original in zip(patches, before, strict=True):
            setattr(owner, name, original)


def _patches(fault: Fault) -> list[tuple[Any, str, Any]]:
    """Return what is replaced: owner, name, replacement."""
    real_open, real_os_open, real_write, real_save = io.open, os.open, os.write, stored.save_file

    def opened(file: Any, mode: str = "r", buffering: int = -1, *args: Any, **settings: Any) -> Any:
        if not set(mode) & set("wax+") or (isinstance(file, int) and _absolute(file) is None):
            return real_open(file, mode, buffering, *args, **settings)
        fault.ask("open", file)
        plain = mode.replace("b", "").replace("t", "")
        raw = RefusingFile(file, plain, settings.get("closefd", True))
        raw.fault = fault
        if buffering == 0:
            return raw
        buffered: Any = io.BufferedRandom(raw) if "+" in plain else io.BufferedWriter(raw)
        if "b" in mode:
            return buffered
        words = dict(zip(("encoding", "errors", "newline"), args, strict=False))
        words |= {key: settings[key] for key in ("encoding", "errors", "newline") if key in settings}
        return io.TextIOWrapper(buffered, line_buffering=buffering == 1, **words)

    def os_opened(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if flags & CHANGING:
            fault.ask("open", _joined(path, dir_fd))
        return real_os_open(path, flags, mode, dir_fd=dir_fd)

    def written(descriptor: int, content: Any) -> int:
        view = memoryview(content).cast("B")
        return real_write(descriptor, view[: fault.cut(len(view), descriptor)])

    def saved(tensors: Any, path: Any, metadata: Any = None) -> None:
        if not fault.is_due("write", path):
            return real_save(tensors, path, metadata)
        error = fault.error()
        with real_open(path, "wb") as half:
            half.write(b"\0" * 100)
        raise safetensors.SafetensorError(f"Error while serializing: I/O error: {error.strerror} (os error {error.errno})")

    def asking(what: str, real: Callable[..., Any], place: int = 0) -> Callable[..., Any]:
        def asked(*args: Any, **settings: Any) -> Any:
            fault.ask(what, _joined(args[place], settings.get("dir_fd", settings.get("dst_dir_fd"))))
            return real(*args, **settings)

        return asked

    plain = (("fsync", 0), ("mkdir", 0), ("replace", 1), ("rename", 1), ("ftruncate", 0), ("truncate", 0), ("posix_fallocate", 0))
    names = [(os, name, asking(name, getattr(os, name), place)) for name, place in plain if hasattr(os, name)]
    return [
        *names,
        (io, "open", opened),
        (builtins, "open", opened),
        (os, "open", os_opened),
        (os, "write", written),
        (stored, "save_file", saved),
    ]


def _joined(path: Any, folder: int | None) -> Any:
    """Return a path that counts from an open folder in full."""
    if folder is None or isinstance(path, int):
        return path
    return os.path.join(os.readlink(f"/proc/self/fd/{folder}"), os.fsdecode(path))  # noqa: PTH118, PTH115


def _absolute(path: object) -> str | None:
    """Return a file's path in full, also of one that is open; None where it has none."""
    if isinstance(path, int):
        try:
            return os.readlink(f"/proc/self/fd/{path}")  # noqa: PTH115
        except OSError:
            return None
    return os.path.abspath(os.fsdecode(path))  # type: ignore[call-overload] # noqa: PTH100
