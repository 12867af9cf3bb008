"""One process at a time trains in a run folder: the system's lock, or a file that names its owner where there is none.

The system drops its lock (`flock`) when a process dies, whatever it died of. Some network file systems do not offer it. There
a file is made that only one process can make; it says who made it, so that another on the same machine can tell whether
that one is gone. A process on another machine cannot tell, and asks the user.
"""

import errno
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TextIO

from tutelage.core.border import parse_object, read_bounded
from tutelage.core.errors import RunError

__all__ = ["Owner", "locked", "this_process"]

LOCK = ".lock"
OWNER = ".lock.owner"
"""Made in place of the system's lock, with the owner's facts in it."""
TAKEOVER = ".lock.takeover"
"""Held for a moment by the one process that may remove the owner file of a process that is gone."""
MOST_BYTES = 4096
"""Largest owner file."""
BUSY = (errno.EWOULDBLOCK, errno.EACCES)
"""What the system says when another process holds its lock; anything else means that there is no such lock here."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Which process owns a run folder.

    Attributes:
        host: The machine's name.
        machine: The machine's lasting number, "" where it has none; names alone may be given twice.
        boot: Since when the machine is up, as a random word; "" where it is not told.
        space: Where process numbers count: containers have spaces of their own.
        pid: The process's number.
        began: When the process began, as the system counts; process numbers are given out again.
    """

    host: str
    machine: str
    boot: str
    space: str
    pid: int
    began: str


def this_process() -> Owner:
    """Return the facts of this process."""
    space = ""
    with suppress(OSError):
        space = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - the link's text, which is no path
    machine, boot = _word("/etc/machine-id"), _word("/proc/sys/kernel/random/boot_id")
    return Owner(socket.gethostname(), machine, boot, space, os.getpid(), _began(os.getpid()))


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Own a run folder while training.

    Raises:
        RunError: Another process trains in this folder, or may do so.
    """
    with (folder / LOCK).open("a") as file:
        has_lock = _lock(file, folder)
        # Even with the lock: the owner may be on a machine that has none.
        needs_file = not has_lock or (folder / OWNER).exists()
        if needs_file:
            _make_owner_file(folder)
        try:
            yield
        finally:
            if needs_file:
                (folder / OWNER).unlink(missing_ok=True)


def is_gone(owner: Owner, *, here: Owner) -> bool:
    """Tell whether a process has certainly ended, as seen from this one; on another machine that is never certain."""
    if (owner.host, owner.machine) != (here.host, here.machine) or not here.boot:
        return False
    if owner.boot != here.boot:
        return True
    return owner.space == here.space and not _is_alive(owner)


def _lock(file: TextIO, folder: Path) -> bool:
    """Take the system's lock on an open file; False where the system or the file system has none."""
    try:
        import fcntl  # not on every system, and only needed where something is trained
    except ImportError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in BUSY:
            raise RunError(f"{folder}: another process is training this run. Wait for it, or stop it first.") from error
        return False
    return True


def _make_owner_file(folder: Path) -> None:
    """Make the owner file; one whose owner is gone is removed before."""
    here = this_process()
    if _make(folder / OWNER, here):
        return
    if not _make(folder / TAKEOVER, here):
        raise RunError(_refusal(folder, f"another process is taking it over ({folder / TAKEOVER})", also=TAKEOVER))
    try:
        # Read only now: as long as this process holds the takeover, nobody else removes what it judges.
        found = _read(folder / OWNER)
        if found is not None and not is_gone(found, here=here):
            raise RunError(_refusal(folder, f"process {found.pid} on {found.host} holds it"))
        if found is None and (folder / OWNER).exists():
            raise RunError(_refusal(folder, f"{folder / OWNER} does not say which process holds it"))
        (folder / OWNER).unlink(missing_ok=True)
        if not _make(folder / OWNER, here):
            raise RunError(_refusal(folder, "another process has just taken it"))
    finally:
        (folder / TAKEOVER).unlink(missing_ok=True)


def _refusal(folder: Path, found: str, *, also: str = "") -> str:
    """Say that a folder may be owned, and what to do if it is not."""
    files = " and ".join(str(folder / name) for name in (OWNER, also) if name)
    return (
        f"{folder}: another process may be training this run: {found}, and this file system has no locks that would tell. "
        f"Wait for it or stop it; if it is certainly gone, remove {files} and try again."
    )


def _make(path: Path, owner: Owner) -> bool:
    """Make a file that names its owner; False where there is one already. Of several processes one succeeds."""
    try:
        opened = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        return False
    with os.fdopen(opened, "w", encoding="utf-8") as file:
        json.dump(asdict(owner), file)
        file.flush()
        os.fsync(opened)
    return True


def _read(path: Path) -> Owner | None:
    """Return who made an owner file; None where it does not say so."""
    try:
        record = parse_object(read_bounded(path, most=MOST_BYTES))
        return Owner(**{each.name: _typed(record[each.name], int if each.name == "pid" else str) for each in fields(Owner)})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _typed(value: object, kind: type) -> Any:
    """Return a value that must be of a type."""
    if not isinstance(value, kind):
        raise TypeError(f"expected a {kind.__name__}, found {value!r}")
    return value


def _is_alive(owner: Owner) -> bool:
    """Tell whether a process of this machine, or one that it hides from this user, still runs."""
    began = _began(owner.pid)
    if began:
        return began == owner.began
    try:
        os.kill(owner.pid, 0)  # signal 0 is none: it only asks
    except ProcessLookupError:
        return False
    except OSError:
        return True
    # It is there and yet its times are not told: it is dead, and waits for its parent to take note.
    return not owner.began


def _began(pid: int) -> str:
    """Return when a process began; "" where there is no such process, or where the system does not tell."""
    # The second field is the program's name in parentheses, which may hold anything; the 22nd is the time, the 3rd the state.
    words = _word(f"/proc/{pid}/stat").rpartition(")")[2].split()
    is_dead = not words or words[0] in ("Z", "X")
    return "" if is_dead else words[19]


def _word(path: str) -> str:
    """Return what a small file of the system says, "" where it is not there."""
    with suppress(OSError):
        return Path(path).read_text(encoding="utf-8").strip()
    return ""
