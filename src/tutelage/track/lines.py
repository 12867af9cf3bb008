"""A file that grows by whole lines: those that the disk refuses wait in memory, in order, until it takes them."""

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from tutelage.core.disk import naming
from tutelage.core.durable import sync_folder
from tutelage.core.errors import RunError
from tutelage.core.hashing import feed
from tutelage.core.plain import open_plain

__all__ = ["Lines", "truncate"]

CHUNK_BYTES = 2**20
LIMIT_BYTES = 2**24
"""Lines held back, or not yet known to be on the disk, take at most about this much memory: the oldest go first."""


class Lines:
    """One file of lines, open for writing by this process alone.

    Raises:
        DiskError: In all it does: the file system refused.

    Attributes:
        num_lost: Lines that were refused for so long that they were more than can be held back.
    """

    def __init__(self, path: Path) -> None:
        """Continue a file, without a last line that was cut off; or begin it."""
        self._path = path
        self.num_lost = 0
        with naming(path):
            is_new = not path.exists()
            # Unbuffered: each line is one write, so nothing waits in this process when it is killed.
            self._file = os.fdopen(open_plain(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab", buffering=0)
            if is_new:
                # Else a power cut may take the file away, however often its lines were synced.
                sync_folder(path.parent)
            truncate(path, path.stat().st_size)
            self._size = path.stat().st_size
        # Over the whole lines that stand in the file; None where these have to be read first.
        self._sha = None if self._size else hashlib.sha256()
        self._waiting = bytearray()
        self._unsynced = bytearray()
        self._is_torn = False

    @property
    def is_closed(self) -> bool:
        """Whether nothing is written any more."""
        return self._file.closed

    def hash(self, size: int = -1) -> str:
        """Return the SHA-256 over the whole lines that stand in the file, or over so many of its bytes."""
        with naming(self._path, "read"):
            if size >= 0:
                return _hash(self._path, size).hexdigest()
            if self._sha is None:
                self._sha = _hash(self._path, self._size)
            return self._sha.hexdigest()

    def boundary(self, offset: int) -> int:
        """Return where the last whole line before an offset ends."""
        with naming(self._path, "read"), self._path.open("rb") as file:
            return _boundary(file, offset)

    def hold(self, line: bytes) -> None:
        """Take a line, to be written by the next `write`."""
        if self._file.closed:
            return
        self._waiting += line
        while len(self._waiting) > LIMIT_BYTES:
            del self._waiting[: self._waiting.index(b"\n") + 1]
            self.num_lost += 1

    def write(self) -> None:
        """Write all lines that wait; of one that fits in part nothing is left in the file."""
        if self._file.closed or not self._waiting:
            return
        done = 0
        with naming(self._path, needs=len(self._waiting)):
            try:
                self._cut_torn()
                # A nearly full disk takes a part of the line and reports no error until the next write.
                while done < len(self._waiting):
                    self._is_torn = True
                    done += self._file.write(bytes(self._waiting[done:]))
                self._is_torn = False
            finally:
                self._keep(self._waiting.rfind(b"\n", 0, done) + 1)
        if len(self._unsynced) > LIMIT_BYTES:
            # Too many to write anew, should the disk lose them.
            self._unsynced.clear()

    def settle(self) -> int:
        """Write what waits, wait until all of it is on the disk, and return the size of the file in bytes."""
        self.write()
        if self._file.closed:
            return self._size
        with naming(self._path):
            try:
                os.fsync(self._file.fileno())
            except OSError:
                # The system may have dropped what it could not bring to the disk, and says so only once: it is written anew.
                self._size -= len(self._unsynced)
                self._waiting[:0] = self._unsynced
                self._unsynced.clear()
                self._is_torn = True
                self._sha = None
                raise
        self._unsynced.clear()
        return self._size

    def rewind(self, offset: int) -> None:
        """Cut the file back to `offset` bytes, and forget what waits."""
        with naming(self._path, "cut back"):
            truncate(self._path, offset)
            self._size = self._path.stat().st_size
        self._waiting.clear()
        self._unsynced.clear()
        self._is_torn = False
        self._sha = None
        self.settle()

    def close(self) -> None:
        """Write what waits, and close the file, whether that worked or not."""
        try:
            self.settle()
        finally:
            with naming(self._path):
                self._file.close()

    def _keep(self, size: int) -> None:
        """Take the first `size` bytes of what waits as written, and cut off a line of which only a part is."""
        self._size += size
        self._unsynced += self._waiting[:size]
        if self._sha is not None:
            self._sha.update(self._waiting[:size])
        del self._waiting[:size]
        if self._is_torn:
            try:
                self._cut_torn()
            except OSError:
                return  # then it is cut off before the next line is written

    def _cut_torn(self) -> None:
        """Cut off what follows the last whole line."""
        if self._is_torn:
            os.ftruncate(self._file.fileno(), self._size)
            self._is_torn = False


def truncate(path: Path, offset: int) -> None:
    """Cut a file of lines back to `offset` bytes, and to the end of the last whole line before it.

    A file that is shorter already is never made longer.
    """
    with path.open("r+b") as file:
        size = _boundary(file, offset)
        if size < file.seek(0, os.SEEK_END):
            file.truncate(size)


def _boundary(file: BinaryIO, offset: int) -> int:
    """Return where the last whole line before an offset ends; what ends that line is looked for from behind.

    Raises:
        RunError: There is no line so long.
    """
    size = end = min(offset, file.seek(0, os.SEEK_END))
    while end:
        start = max(end - CHUNK_BYTES, 0)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        if size - start > LIMIT_BYTES:
            raise RunError(
                f"{file.name}: its last {LIMIT_BYTES:,} bytes hold no end of a line, so no run wrote them. "
                "Move the file away, or bring an intact copy back."
            )
        end = start
    return 0


def _hash(path: Path, size: int) -> "hashlib._Hash":
    """Return the running SHA-256 over the beginning of a file."""
    sha = hashlib.sha256()
    with path.open("rb") as file:
        feed(sha, file, size)
    return sha
