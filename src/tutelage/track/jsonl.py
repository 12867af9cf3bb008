"""Writes every event to events.jsonl and every measured point to metrics.jsonl, one JSON object a line.

A line is handed to the operating system at once, so a killed process loses at most the line it was writing. A resumed
run rewinds both files to what they were at its checkpoint and writes on from there, so no step is told twice. At each
checkpoint and at the end the run's manifest is told the SHA-256 over all that stands in them; it is kept while writing.
"""

import hashlib
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Literal

from tutelage.core import layout
from tutelage.core.border import BorderError, opened, parse_object
from tutelage.core.durable import sync_folder
from tutelage.core.errors import RunError
from tutelage.core.events import Evaluated, Event, Logged, as_record
from tutelage.core.manifest import Manifest
from tutelage.core.plain import open_plain
from tutelage.track.base import Track

__all__ = ["Jsonl", "JsonlSink", "parse_records", "read_records", "truncate"]

CHUNK_BYTES = 2**20
LINE_BYTES = 16 * 2**20
"""Longest line that is read: one with pictures in it has some hundred thousand."""
MAX_LINES = 5_000_000
"""Most lines that are read: a week of a line every eighth of a second."""


class Jsonl(Track):
    """Event and metric files in the run folder."""

    kind: Literal["jsonl"] = "jsonl"

    def open(self, folder: Path) -> "JsonlSink":
        """Return the sink; existing files are continued, without a last line that was cut off."""
        return JsonlSink(folder)


class JsonlSink:
    """Appends to the two files of one run folder.

    metrics.jsonl holds one flat line per point: `step`, `epoch`, `seconds`, and each metric under its own name.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._manifest = Manifest(folder)
        self._files = {name: _Lines(folder / name) for name in layout.LOGS}

    def take(self, event: Event) -> None:
        """Write one event, and its metrics where it has any that belong to a step."""
        self._files[layout.EVENTS].append(as_record(event))
        if isinstance(event, Logged | Evaluated):
            point = {"step": event.step, "epoch": event.epoch, "seconds": event.seconds}
            self._files[layout.METRICS].append({**event.metrics, **point})

    def offsets(self) -> dict[str, int]:
        """Return the size of each file in bytes, for a checkpoint; all of it is on disk when this returns."""
        sizes = {name: lines.settle() for name, lines in self._files.items()}
        self._seal({name: (size, self._files[name].hash()) for name, size in sizes.items()})
        return sizes

    def rewind(self, offsets: Mapping[str, int]) -> None:
        """Cut the files back to what they were when `offsets` was called; a file not named stays as it is."""
        ours = {name: self._files[name].boundary(offset) for name, offset in offsets.items() if name in self._files}
        # Before it is so: a crash in between leaves lines beyond the seal, as any crash does.
        self._seal({name: (size, self._files[name].hash(size)) for name, size in ours.items()})
        for name, size in ours.items():
            self._files[name].rewind(size)

    def close(self) -> None:
        """Close both files, with all that stands in them sealed."""
        with suppress(OSError):
            if any(not lines.is_closed for lines in self._files.values()):
                self.offsets()
        for lines in self._files.values():
            lines.close()

    def _seal(self, logs: Mapping[str, tuple[int, str]]) -> None:
        """Tell the manifest how far the files are on the disk."""
        # A disk that refuses is told of by whoever writes to it next; the next seal covers what this one would have.
        with suppress(OSError):
            self._manifest.seal(logs)


class _Lines:
    """One file that grows by whole lines; it goes silent, after one message, when the disk refuses."""

    def __init__(self, path: Path) -> None:
        self._path = path
        is_new = not path.exists()
        # Unbuffered: each line is one write, so nothing waits in this process when it is killed.
        self._file = os.fdopen(open_plain(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab", buffering=0)
        if is_new:
            # Else a power cut may take the file away, however often its lines were synced.
            sync_folder(path.parent)
        truncate(path, path.stat().st_size)
        self._is_refused = False
        # Over all that stands in the file; None where that has to be read first.
        self._sha = hashlib.sha256() if not path.stat().st_size else None

    @property
    def is_closed(self) -> bool:
        """Whether nothing is written any more."""
        return self._file.closed

    def append(self, record: Mapping[str, object]) -> None:
        if self._is_refused or self._file.closed:
            return
        line = json.dumps(_plain(record), allow_nan=False, separators=(",", ":")).encode() + b"\n"
        try:
            # A nearly full disk takes a part of the line and reports no error until the next write.
            while line:
                taken = self._file.write(line)
                if self._sha is not None:
                    self._sha.update(line[:taken])
                line = line[taken:]
        except OSError as error:
            self._is_refused = True
            sys.stderr.write(f"Warning: {self._path} cannot be written ({error.strerror}); training goes on without it.\n")

    def settle(self) -> int:
        if not self._file.closed:
            os.fsync(self._file.fileno())
        return self._path.stat().st_size

    def hash(self, size: int = -1) -> str:
        """Return the SHA-256 over the file, or over so many bytes of it."""
        if size >= 0:
            return _hash(self._path, size).hexdigest()
        if self._sha is None:
            self._sha = _hash(self._path, self._path.stat().st_size)
        return self._sha.hexdigest()

    def boundary(self, offset: int) -> int:
        """Return where the last whole line before an offset ends."""
        with self._path.open("rb") as file:
            return _boundary(file, offset)

    def rewind(self, offset: int) -> None:
        truncate(self._path, offset)
        self._sha = None
        self.settle()

    def close(self) -> None:
        try:
            self.settle()
        finally:
            self._file.close()


def truncate(path: Path, offset: int) -> None:
    """Cut a file of lines back to `offset` bytes, and to the end of the last whole line before it.

    A file that is shorter already is never made longer.
    """
    with path.open("r+b") as file:
        size = _boundary(file, offset)
        if size < file.seek(0, os.SEEK_END):
            file.truncate(size)


def _boundary(file: BinaryIO, offset: int) -> int:
    """Return where the last whole line before an offset ends."""
    size = min(offset, file.seek(0, os.SEEK_END))
    file.seek(max(size - 1, 0))
    if size and file.read(1) != b"\n":
        file.seek(0)
        size = file.read(size).rfind(b"\n") + 1
    return size


def _hash(path: Path, size: int) -> "hashlib._Hash":
    """Return the running SHA-256 over the beginning of a file."""
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while size > 0 and (chunk := file.read(min(size, CHUNK_BYTES))):
            sha.update(chunk)
            size -= len(chunk)
    return sha


def read_records(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines; a missing file is empty, a last line that was cut off is left out.

    Raises:
        RunError: A line before the last is not a JSON object, or is beyond a limit.
    """
    try:
        with os.fdopen(opened(path), "rb") as file:
            return list(parse_records(file, path=path))
    except FileNotFoundError:
        return []
    except BorderError as error:
        raise RunError(f"{path}: {error}.") from error


def parse_records(file: BinaryIO, *, path: Path, size: int = -1) -> Iterator[dict[str, Any]]:
    """Yield the objects of an open file of JSON lines, or of its first bytes.

    Args:
        file: Open for reading, at its beginning.
        path: Its name, for messages.
        size: Bytes to read; -1 = all.

    Raises:
        RunError: A line before the last is not a JSON object, or is beyond a limit.
    """
    number, left = 0, size
    while left and (line := file.readline(LINE_BYTES + 1)):
        number, left = number + 1, left - len(line)
        if number > MAX_LINES or len(line) > LINE_BYTES:
            raise RunError(f"{path} line {number:,}: expected at most {MAX_LINES:,} lines of at most {LINE_BYTES:,} bytes.")
        if not line.endswith(b"\n") or not line.strip():
            continue
        try:
            record = parse_object(line)
        except BorderError as error:
            raise RunError(f"{path} line {number:,}: {error}. Was the file edited? Expected one object a line.") from error
        if record:
            yield record


def _plain(value: object) -> object:
    """Return a value as JSON has it; numbers that are not finite become null, anything unknown its text."""
    if hasattr(value, "item") and not isinstance(value, float):
        value = value.item()
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value)
