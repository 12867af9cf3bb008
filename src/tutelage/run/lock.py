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
from typing import Any

from tutelage.core.border import parse_object
from tutelage.core.errors import RunError
from tutelage.core.names import with_article
from tutelage.core.plain import open_plain

__all__ = ["LOCKS", "Owner", "locked", "this_process"]

LOCK = ".lock"
OWNER = ".lock.owner"
"""Made in place of the system's lock, with the owner's facts in it."""
TAKEOVER = ".lock.takeover"
"""Held for a moment by the one process that may remove the owner file of a process that is gone."""
LOCKS = (LOCK, OWNER, TAKEOVER)
BUSY = (errno.EWOULDBLOCK, errno.EACCES)
"""What the system says when another process holds its lock; anything else means that there is no such lock here."""
OWNER_BYTES = 4096
"""An owner file is shorter."""


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


@dataclass(frozen=True, slots=True)
class _Place:
    """An open folder: the names in it stay reachable when it is renamed, as a new run's is.

    Attributes:
        folder: How people call it.
        opened: The open folder.
    """

    folder: Path
    opened: int

    def open(self, name: str, flags: int) -> int:
        """Open a plain file of the folder."""
        return open_plain(self.folder / name, flags, name=name, within=self.opened)

    def remove(self, name: str) -> None:
        """Remove a file of the folder, if it is there."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.opened)

    def give_back(self, name: str, opened: int) -> None:
        """Remove a file that this process made and holds open; if it was removed, another's of its name is left alone."""
        if self.inode(name) == _identity(opened):
            self.remove(name)
        os.close(opened)

    def has(self, name: str) -> bool:
        """Tell whether a name is there, whatever it names."""
        return self.inode(name) is not None

    def inode(self, name: str) -> tuple[int, int] | None:
        """Return what identifies a file, None where there is none."""
        try:
            found = os.stat(name, dir_fd=self.opened, follow_symlinks=False)
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino


def _identity(opened: int) -> tuple[int, int]:
    """Return what identifies an open file: as long as it is open, no other file is given the same."""
    found = os.fstat(opened)
    return found.st_dev, found.st_ino


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Own a run folder while training; it may be renamed meanwhile.

    Raises:
        RunError: Another process trains in this folder, or may do so; or nothing may be written there.
    """
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise RunError(f"{folder}: cannot be opened as a folder ({error.strerror}).") from error
    try:
        with _owned(_Place(folder, opened)):
            yield
    finally:
        os.close(opened)


@contextmanager
def _owned(place: _Place) -> Iterator[None]:
    """Do what `locked` says."""
    try:
        file = place.open(LOCK, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise _cannot_write(place.folder / LOCK, error) from error
    try:
        has_lock = _lock(file, place)
        # Even with the lock: the owner may be on a machine that has none.
        if has_lock and not place.has(OWNER):
            yield
            return
        made = _make_owner_file(place)
        try:
            yield
        finally:
            place.give_back(OWNER, made)
    finally:
        os.close(file)


def _cannot_write(path: Path, error: OSError) -> Exception:
    """Return what to tell where a folder may not be written to, or is none any more; any other error as it is."""
    if error.errno == errno.ENOENT:
        return RunError(f"{path.parent}: another process has removed this folder. Look whether it is there, and try again.")
    if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
        return error
    return RunError(
        f"{path}: cannot be opened for writing ({error.strerror}), so nobody can work in this run. "
        f"Ask for the right to write there, or copy the run to where you have it: cp -r {path.parent} COPY"
    )


def is_gone(owner: Owner, *, here: Owner) -> bool:
    """Tell whether a process has certainly ended, as seen from this one; on another machine that is never certain."""
    if (owner.host, owner.machine) != (here.host, here.machine) or not here.boot:
        return False
    if owner.boot != here.boot:
        return True
    return owner.space == here.space and not _is_alive(owner)


def _lock(file: int, place: _Place) -> bool:
    """Take the system's lock on an open file; False where the system or the file system has none."""
    try:
        import fcntl  # not on every system, and only needed where something is trained
    except ImportError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in BUSY:
            raise RunError(_busy(place.folder)) from error
        return False
    if place.inode(LOCK) != _identity(file):
        # It was removed since it was opened: whoever comes next locks another file.
        raise RunError(_busy(place.folder))
    return True


def _busy(folder: Path) -> str:
    """Say that another process owns a folder."""
    return f"{folder}: another process is training this run. Wait for it, or stop it first."


def _make_owner_file(place: _Place) -> int:
    """Make the owner file, and return it open; one whose owner is gone is removed before."""
    here, folder = this_process(), place.folder
    made = _make(place, OWNER, here)
    if made is not None:
        return made
    takeover = _make(place, TAKEOVER, here)
    if takeover is None:
        raise RunError(_refusal(folder, f"another process is taking it over ({folder / TAKEOVER})", also=TAKEOVER))
    try:
        # Read only now: as long as this process holds the takeover, nobody else removes what it judges.
        found = _read(place, OWNER)
        if found is not None and not is_gone(found, here=here):
            raise RunError(_refusal(folder, f"process {found.pid} on {found.host} holds it"))
        if found is None and place.has(OWNER):
            raise RunError(_refusal(folder, f"{folder / OWNER} does not say which process holds it"))
        if found is not None:
            place.remove(OWNER)
        # Where it was given back since, others may make it as well.
        made = _make(place, OWNER, here)
        if made is None:
            raise RunError(_refusal(folder, "another process has just taken it"))
        return made
    finally:
        place.give_back(TAKEOVER, takeover)


def _refusal(folder: Path, found: str, *, also: str = "") -> str:
    """Say that a folder may be owned, and what to do if it is not."""
    files = " and ".join(str(folder / name) for name in (OWNER, also) if name)
    return (
        f"{folder}: another process may be training this run: {found}, and this file system has no locks that would tell. "
        f"Wait for it or stop it; if it is certainly gone, remove {files} and try again."
    )


def _make(place: _Place, name: str, owner: Owner) -> int | None:
    """Make a file that names its owner, and return it open; None where there is one. Of several processes one succeeds."""
    try:
        opened = place.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return None
    except OSError as error:
        raise _cannot_write(place.folder / name, error) from error
    try:
        with os.fdopen(opened, "w", encoding="utf-8", closefd=False) as file:
            json.dump(asdict(owner), file)
        os.fsync(opened)
    except OSError as error:
        # A file that does not say who made it would lock everybody out.
        place.remove(name)
        os.close(opened)
        raise OSError(error.errno, error.strerror, str(place.folder / name)) from error
    return opened


def _read(place: _Place, name: str) -> Owner | None:
    """Return who made an owner file; None where it does not say so."""
    try:
        with os.fdopen(place.open(name, os.O_RDONLY), "rb") as file:
            record = parse_object(file.read(OWNER_BYTES))
        owner = Owner(**{each.name: _typed(record[each.name], int if each.name == "pid" else str) for each in fields(Owner)})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return owner if 0 < owner.pid < 2**31 else None


def _typed(value: object, kind: type) -> Any:
    """Return a value that must be of a type."""
    if type(value) is not kind:
        raise TypeError(f"expected {with_article(kind.__name__)}, found {value!r}")
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
