"""Writes a run's files so that each can be checked later: `manifest.jsonl` is told of every durable write before it counts.

All that a run keeps goes through a `Manifest`: `put` for small files, `announcing` for files that verify themselves, `seal` for
logs, `note` for what else is written aside. The line is on the disk before the new content takes its place. So after a crash at
any moment a file is what its last line says or, where the crash came between the two, what the line before says. Reading is
`journal.py`.
"""

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tutelage.core import layout
from tutelage.core.border import SMALL_BYTES, BorderError, bounded
from tutelage.core.disk import naming
from tutelage.core.durable import sync_folder, write_durably
from tutelage.core.errors import RunError
from tutelage.core.journal import FORMAT, Entry, Journal, chained
from tutelage.core.plain import open_plain

__all__ = ["Manifest", "as_json", "hash_file"]

MOST_LINES = 20_000
"""A longer journal is written anew with each file's last lines, so that a run of weeks opens at once."""
KEPT_LINES = 8
"""Lines of a file that are kept then: the one before the last matters after a crash, a few more where a log is damaged."""
CHUNK_BYTES = 2**20


class Manifest:
    """The journal of one run folder, for writing; several may be at work on the same folder, in threads and processes."""

    _one_at_a_time = threading.Lock()
    """Between threads also where the file system has no locks."""

    def __init__(self, folder: Path) -> None:
        """Write for a folder; nothing is read or made before the first write."""
        self.folder = folder
        self.journal = Journal()
        self._inode = -1

    def put(self, file: str, content: bytes, *, state: str = "") -> None:
        """Write a small file durably, and its SHA-256 before.

        Args:
            file: Path within the folder.
            content: All of it.
            state: What it means for the run, where that matters.

        Raises:
            DiskError: It cannot be written; what was there stays.
        """
        path = self.folder / file
        entry = Entry(file, len(content), hashlib.sha256(content).hexdigest(), state=state)
        write_durably(path, content, announce=lambda _: self._add(lambda: [*self._in_place(file), entry]))

    def put_json(self, file: str, record: Mapping[str, Any], *, state: str = "") -> None:
        """Write a record as indented JSON, durably, and its SHA-256 before."""
        record = {"format": layout.FORMATS[file], **record} if file in layout.FORMATS else record
        self.put(file, as_json(record, where=str(self.folder / file)), state=state)

    def announcing(self, path: Path, *, seal: str, dropping: Sequence[Path] = ()) -> Callable[[Path], None]:
        """Return what `replacing` shall call for a file that verifies itself.

        Args:
            path: The file, within the folder.
            seal: The SHA-256 that it says of itself.
            dropping: Files that will be removed once it is in place.
        """
        name, gone = self._name(path), [Entry(self._name(old), is_removed=True) for old in dropping]

        def entries(aside: Path) -> list[Entry]:
            # Said once: where the rename fails again and again, what is to go is still there, and still vouched for.
            return [Entry(name, aside.stat().st_size, seal=seal), *(entry for entry in gone if entry != self._last(entry.file))]

        return lambda aside: self._add(lambda: entries(aside))

    def note(self, file: str, aside: Path) -> None:
        """Note the SHA-256 of a file of any size that is about to take its place, and is still aside."""
        entry = Entry(file, aside.stat().st_size, hash_file(aside))
        self._add(lambda: [*self._in_place(file), entry])

    def remove(self, path: Path) -> None:
        """Note that a file is being removed, or given a name outside the run."""
        self._add(lambda: [Entry(self._name(path), is_removed=True)])

    def seal(self, logs: Mapping[str, tuple[int, str]]) -> None:
        """Note how far logs are on the disk: for each its size, and the SHA-256 over all of that."""
        # Nothing new is not said again.
        self._add(lambda: [entry for name, (size, sha) in logs.items() if (entry := Entry(name, size, sha)) != self._last(name)])

    def rewrite(self, entries: Sequence[Entry]) -> None:
        """Replace the whole journal by these entries."""
        with self._one_at_a_time, self._opened():
            self._rewrite(entries)

    def _rewrite(self, entries: Sequence[Entry]) -> None:
        """Replace the whole journal; it is held by us."""
        check, lines = "", []
        for record in ({"format": FORMAT}, *(entry.record() for entry in entries)):
            line, check = chained(check, record)
            lines.append(line)
        write_durably(self.folder / layout.MANIFEST, b"".join(lines))
        self._inode = -1

    def _last(self, file: str) -> Entry | None:
        return self.journal.latest(file)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _in_place(self, file: str) -> list[Entry]:
        """Return the entry of what is in place where that is not the last one: a crash came before the last took its place."""
        latest, before, path = self.journal.latest(file), self.journal.before(file), self.folder / file
        if before is None or before.is_removed or not path.is_file():
            return []
        present = hash_file(path)
        return [before] if present == before.sha256 and (latest is None or latest.sha256 != present) else []

    def _add(self, entries: Callable[[], Sequence[Entry]]) -> None:
        """Append lines and wait until they are on the disk; all of them, or none."""
        with self._one_at_a_time, self._opened() as opened:
            self._catch_up(opened)
            records: list[dict[str, Any]] = [{"format": FORMAT}] if not self.journal.num_lines else []
            records += [entry.record() for entry in entries()]
            check, lines = self.journal.check, []
            for record in records:
                line, check = chained(check, record)
                lines.append(line)
            self._append(opened, b"".join(lines))
            if self.journal.num_lines > MOST_LINES:
                # Of files that are gone nothing is kept: a run of weeks has had thousands of checkpoints.
                kept = [each[-KEPT_LINES:] for each in self.journal.entries.values() if not each[-1].is_removed]
                self._rewrite([entry for each in kept for entry in each])

    def _append(self, opened: int, content: bytes) -> None:
        """Write lines to the end of the file."""
        if not content:
            return
        size = self.journal.num_bytes
        with naming(self.folder / layout.MANIFEST, needs=len(content)):
            try:
                left = content
                while left:
                    left = left[os.write(opened, left) :]
                os.fsync(opened)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(opened, size)
                raise
        self.journal.read(content)

    def _catch_up(self, opened: int) -> None:
        """Read what others have written since, and cut off a line that a crash has left without its end."""
        found = os.fstat(opened)
        if found.st_ino != self._inode or found.st_size < self.journal.num_bytes:
            self.journal, self._inode = Journal(), found.st_ino
        if found.st_size > self.journal.num_bytes:
            with os.fdopen(os.dup(opened), "rb") as file:
                file.seek(self.journal.num_bytes)
                # Not `SMALL_BYTES` at once: so much memory would be asked for, however little there is to read.
                self.journal.read(file.read(min(found.st_size - self.journal.num_bytes, SMALL_BYTES)))
        if self.journal.is_torn:
            os.ftruncate(opened, self.journal.num_bytes)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Open the journal, made where there is none, and keep other processes out for the moment."""
        path = self.folder / layout.MANIFEST
        is_new = not path.exists()
        opened = self._locked(path)
        try:
            if is_new:
                with naming(path):
                    sync_folder(self.folder)
            yield opened
        finally:
            os.close(opened)

    def _locked(self, path: Path) -> int:
        """Return the journal, opened and locked."""
        while True:
            with naming(path):
                opened = open_plain(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
            _lock(opened)
            # While we waited, another process may have replaced the file: what we hold then has no name any more.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(opened), path.stat(follow_symlinks=False)):
                    return opened
            os.close(opened)


def as_json(record: Mapping[str, Any], *, where: str) -> bytes:
    """Return a record as indented JSON in UTF-8, as all records of a run are written.

    Raises:
        RunError: It would not be read again, such as for a number that is not finite.
    """
    try:
        bounded(record)
    except BorderError as error:
        raise RunError(f"{where}: cannot be written: {error}.") from error
    text = json.dumps(dict(record), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    # A lone surrogate, which UTF-8 has not, is replaced by what is its escape in JSON, so that it is read back as it was.
    return text.encode("utf-8", "backslashreplace")


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            sha.update(chunk)
    return sha.hexdigest()


def _lock(opened: int) -> None:
    """Keep other processes out until the file is closed, where the system can."""
    with suppress(ImportError, OSError):
        import fcntl  # not on every system

        fcntl.flock(opened, fcntl.LOCK_EX)
