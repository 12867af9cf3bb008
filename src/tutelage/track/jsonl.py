"""Writes every event to events.jsonl and every measured point to metrics.jsonl, one JSON object a line.

A line is handed to the operating system at once, so a killed process loses at most the line it was writing. A resumed
run rewinds both files to what they were at its checkpoint and writes on from there, so no step is told twice. Lines that
a full disk refuses wait in memory until there is room. At each checkpoint and at the end the run's manifest is told the
SHA-256 over all that stands in the files; it is kept while writing.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Literal

from tutelage.core import layout
from tutelage.core.border import BorderError, opened, parse_object
from tutelage.core.disk import naming
from tutelage.core.errors import DiskError, RunError
from tutelage.core.events import Evaluated, Event, Logged, as_record
from tutelage.core.json_values import json_values
from tutelage.core.manifest import Manifest
from tutelage.track.base import Track
from tutelage.track.lines import Lines, truncate

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
        with naming(folder, "made"):
            folder.mkdir(parents=True, exist_ok=True)
        self._manifest = Manifest(folder)
        self._files = {name: Lines(folder / name) for name in layout.LOGS}

    @property
    def num_lost(self) -> int:
        """How many lines were more than could be held back while the disk refused them."""
        return sum(lines.num_lost for lines in self._files.values())

    def take(self, event: Event) -> None:
        """Write one event, and its metrics where it has any that belong to a step.

        Raises:
            DiskError: The disk refuses: what could not be written is held back, and written with what comes later.
        """
        self._files[layout.EVENTS].hold(_line(as_record(event)))
        if isinstance(event, Logged | Evaluated):
            point = {"step": event.step, "epoch": event.epoch, "seconds": event.seconds}
            self._files[layout.METRICS].hold(_line({**event.metrics, **point}))
        self._ask_each(Lines.write)

    def seals(self) -> dict[str, tuple[int, str]]:
        """Return size and SHA-256 of each file, for a checkpoint; all that was told is on disk, and sealed, when this returns.

        Raises:
            DiskError: The disk refuses what was held back.
        """
        sizes = {name: lines.settle() for name, lines in self._files.items()}
        seals = {name: (size, self._files[name].hash()) for name, size in sizes.items()}
        self._manifest.seal(seals)
        return seals

    def rewind(self, offsets: Mapping[str, int]) -> None:
        """Cut the files back to what they were when `seals` was called; a file not named stays as it is."""
        ours = {name: self._files[name].boundary(offset) for name, offset in offsets.items() if name in self._files}
        # Before it is so: a crash in between leaves lines beyond the seal, as any crash does.
        self._manifest.seal({name: (size, self._files[name].hash(size)) for name, size in ours.items()})
        for name, size in ours.items():
            self._files[name].rewind(size)

    def close(self) -> None:
        """Write what is held back, seal it, and close both files.

        Raises:
            DiskError: The disk refuses what was held back.
        """
        try:
            if any(not lines.is_closed for lines in self._files.values()):
                self.seals()
        finally:
            self._ask_each(Lines.close)

    def _ask_each(self, ask: Callable[[Lines], None]) -> None:
        """Ask both files for the same, and raise afterwards what the first one met."""
        errors: list[DiskError] = []
        for lines in self._files.values():
            try:
                ask(lines)
            except DiskError as error:
                errors.append(error)
        if errors:
            raise errors[0]


def _line(record: Mapping[str, object]) -> bytes:
    """Return a record as one line of JSON."""
    return json.dumps(json_values(record), allow_nan=False, separators=(",", ":")).encode() + b"\n"


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
