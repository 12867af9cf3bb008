"""Writes every event to events.jsonl and every measured point to metrics.jsonl, one JSON object a line.

A line is handed to the operating system at once, so a killed process loses at most the line it was writing. A resumed
run rewinds both files to what they were at its checkpoint and writes on from there, so no step is told twice.
"""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from tutelage.core import layout
from tutelage.core.errors import RunError
from tutelage.core.events import Evaluated, Event, Logged, as_record
from tutelage.core.outlet import tell
from tutelage.track.base import Track

__all__ = ["Jsonl", "JsonlSink", "read_records", "truncate"]


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
        self._files = {name: _Lines(folder / name) for name in (layout.EVENTS, layout.METRICS)}

    def take(self, event: Event) -> None:
        """Write one event, and its metrics where it has any that belong to a step."""
        self._files[layout.EVENTS].append(as_record(event))
        if isinstance(event, Logged | Evaluated):
            point = {"step": event.step, "epoch": event.epoch, "seconds": event.seconds}
            self._files[layout.METRICS].append({**event.metrics, **point})

    def offsets(self) -> dict[str, int]:
        """Return the size of each file in bytes, for a checkpoint; all of it is on disk when this returns."""
        return {name: lines.settle() for name, lines in self._files.items()}

    def rewind(self, offsets: Mapping[str, int]) -> None:
        """Cut the files back to what they were when `offsets` was called; a file not named stays as it is."""
        for name, offset in offsets.items():
            if name in self._files:
                self._files[name].rewind(offset)

    def close(self) -> None:
        """Close both files."""
        for lines in self._files.values():
            lines.close()


class _Lines:
    """One file that grows by whole lines; it goes silent, after one message, when the disk refuses."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch()
        truncate(path, path.stat().st_size)
        # Unbuffered: each line is one write, so nothing waits in this process when it is killed.
        self._file = path.open("ab", buffering=0)
        self._is_refused = False

    def append(self, record: Mapping[str, object]) -> None:
        if self._is_refused or self._file.closed:
            return
        line = json.dumps(_plain(record), allow_nan=False, separators=(",", ":")).encode() + b"\n"
        try:
            # A nearly full disk takes a part of the line and reports no error until the next write.
            while line:
                line = line[self._file.write(line) :]
        except OSError as error:
            self._is_refused = True
            tell(f"Warning: {self._path} cannot be written ({error.strerror}); training goes on without it.")

    def settle(self) -> int:
        if not self._file.closed:
            os.fsync(self._file.fileno())
        return self._path.stat().st_size

    def rewind(self, offset: int) -> None:
        truncate(self._path, offset)

    def close(self) -> None:
        self._file.close()


def truncate(path: Path, offset: int) -> None:
    """Cut a file of lines back to `offset` bytes, and to the end of the last whole line before it.

    A file that is shorter already is never made longer.
    """
    with path.open("r+b") as file:
        length = file.seek(0, os.SEEK_END)
        size = min(offset, length)
        file.seek(max(size - 1, 0))
        if size and file.read(1) != b"\n":
            file.seek(0)
            size = file.read(size).rfind(b"\n") + 1
        if size < length:
            file.truncate(size)


def read_records(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines; a missing file is empty, a last line that was cut off is left out.

    Raises:
        RunError: A line before the last is not a JSON object.
    """
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    records: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line) if line.strip() else {}
        except ValueError as error:
            if number == len(lines):
                break
            raise RunError(
                f"{path} line {number}: not JSON ({error}). Was the file edited? Expected one object a line."
            ) from error
        if not isinstance(record, dict):
            raise RunError(f"{path} line {number}: expected an object in braces, found {line[:40]!r}.")
        if record:
            records.append(record)
    return records


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
