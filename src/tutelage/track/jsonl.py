"""Writes every event to events.jsonl and every measured point to metrics.jsonl, one JSON object a line.

A line is handed to the operating system at once, so a killed process loses at most the line it was writing. A resumed
run rewinds both files to what they were at its checkpoint and writes on from there, so no step is told twice. Lines that
a full disk refuses wait in memory until there is room.
"""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from tutelage.core import layout
from tutelage.core.disk import naming
from tutelage.core.errors import DiskError, RunError
from tutelage.core.events import Evaluated, Event, Logged, as_record
from tutelage.track.base import Track
from tutelage.track.lines import Lines, truncate

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
        with naming(folder, "made"):
            folder.mkdir(parents=True, exist_ok=True)
        self._files = {name: Lines(folder / name) for name in (layout.EVENTS, layout.METRICS)}

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

    def offsets(self) -> dict[str, int]:
        """Return the size of each file in bytes, for a checkpoint; all that was told is on disk when this returns.

        Raises:
            DiskError: The disk refuses what was held back.
        """
        return {name: lines.settle() for name, lines in self._files.items()}

    def rewind(self, offsets: Mapping[str, int]) -> None:
        """Cut the files back to what they were when `offsets` was called; a file not named stays as it is."""
        for name, offset in offsets.items():
            if name in self._files:
                self._files[name].rewind(offset)

    def close(self) -> None:
        """Write what is held back, and close both files.

        Raises:
            DiskError: The disk refuses what was held back.
        """
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
    return json.dumps(_plain(record), allow_nan=False, separators=(",", ":")).encode() + b"\n"


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
