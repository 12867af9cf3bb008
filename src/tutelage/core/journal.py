"""What the manifest of a run says: each durable write of each file, read back and checked line by line.

A line ends in a check over itself and the check of the line before it. So a changed line is found and named, and the others
keep their word. A last line without its end is a crash's: it had not been promised yet. Writing is `manifest.py`.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from tutelage.core import layout
from tutelage.core.border import BorderError, is_missing, parse_object, read_bounded
from tutelage.core.errors import RunError

__all__ = ["FORMAT", "Entry", "Journal", "chained", "read_journal"]

FORMAT = "manifest-1"
"""Also what the logs are written as: they have no header of their own."""
CHECK = re.compile(rb',"check":"([0-9a-f]{32})"\}$')
LINE_BYTES = 4096
"""Longest line; ours have some two hundred bytes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One durable write.

    Attributes:
        file: Path within the run folder.
        bytes: Size of the file, or of the part of a log that is sealed.
        sha256: Over the content, or over that part of a log; "" for a file that verifies itself.
        seal: What such a file says of itself: its SHA-256 over everything in it.
        state: What the file means for the run, where that matters: `paused` or `ended`.
        is_removed: Whether the file was removed instead.
    """

    file: str
    bytes: int = 0
    sha256: str = ""
    seal: str = ""
    state: str = ""
    is_removed: bool = False

    def record(self) -> dict[str, Any]:
        """Return what stands in its line."""
        if self.is_removed:
            return {"file": self.file, "removed": True}
        words = {"sha256": self.sha256, "seal": self.seal, "state": self.state}
        return {"file": self.file, "bytes": self.bytes, **{key: word for key, word in words.items() if word}}


@dataclass
class Journal:
    """All lines of a manifest.

    Attributes:
        entries: By file, oldest first.
        damaged: Number and bytes of each line that does not hold.
        check: That of the last line, which the next one continues.
        num_lines: Whole lines read.
        num_bytes: Their bytes.
        is_torn: Whether a last line without its end was left out.
        foreign: The format that it says, where it is another one.
        unread: Why nothing could be read, although something is there.
    """

    entries: dict[str, list[Entry]] = field(default_factory=dict)
    damaged: list[tuple[int, bytes]] = field(default_factory=list)
    check: str = ""
    num_lines: int = 0
    num_bytes: int = 0
    is_torn: bool = False
    foreign: str = ""
    unread: str = ""

    def read(self, content: bytes) -> None:
        """Take in further lines, as they follow those that were read before."""
        *lines, rest = content.split(b"\n")
        self.is_torn = bool(rest)
        for line in lines:
            self.num_lines += 1
            self.num_bytes += len(line) + 1
            try:
                self._take(line)
            except BorderError:
                self.damaged.append((self.num_lines, line))

    def latest(self, file: str) -> Entry | None:
        """Return the last write of a file."""
        return self.entries[file][-1] if file in self.entries else None

    def before(self, file: str) -> Entry | None:
        """Return the write before the last one: what is there where a crash came between its line and its taking place."""
        return self.entries[file][-2] if len(self.entries.get(file, ())) > 1 else None

    def accepts(self, file: str, *, sha256: str = "", seal: str = "") -> bool:
        """Tell whether content is what was written last, or what was there before a crash kept that from taking its place."""
        word = (sha256 or seal).encode()
        known = any(
            entry is not None and not entry.is_removed and (entry.sha256 or entry.seal).encode() == word
            for entry in (self.latest(file), self.before(file))
        )
        # A hash does not come about by accident: where it still stands in a damaged line, what was damaged is something else.
        return known or (bool(word) and any(word in line for _, line in self.damaged))

    def prefixes(self, log: str) -> list[Entry]:
        """Return the sealed beginnings of a log, the shortest first; those that a rewind has cut off are left out."""
        found: list[Entry] = []
        for entry in reversed(self.entries.get(log, [])):
            if entry.is_removed:
                break
            if not found or entry.bytes < found[-1].bytes:
                found.append(entry)
        return found[::-1]

    def _take(self, line: bytes) -> None:
        """Take in one line.

        Raises:
            BorderError: It does not hold.
        """
        found = CHECK.search(line) if len(line) <= LINE_BYTES else None
        if found is None:
            # The next line continues a check that is lost, so it does not hold either.
            self.check = ""
            raise BorderError("expected a check at its end")
        body, said, before = line[: found.start()] + b"}", found.group(1).decode(), self.check
        self.check = said
        if said != _check(before, body):
            raise BorderError("its check does not fit")
        record = parse_object(body)
        if self.num_lines == 1:
            self.foreign = "" if record.get("format") == FORMAT else f"{record.get('format')!r:.60}"
            return
        entry = entry_from(record)
        self.entries.setdefault(entry.file, []).append(entry)


def read_journal(folder: Path) -> Journal:
    """Return the journal of a run folder; one without lines where there is no manifest, or none that can be read.

    Raises:
        RunError: It is of another version.
    """
    path, journal = folder / layout.MANIFEST, Journal()
    try:
        journal.read(read_bounded(path))
    except (BorderError, OSError) as error:
        journal.unread = "" if isinstance(error, OSError) and is_missing(error) else str(error)
        return journal
    if journal.foreign:
        remedy = "Use the version of tutelage that wrote it."
        raise RunError(f"{path}: is of format {journal.foreign}; this version reads {FORMAT!r}. {remedy}")
    return journal


def chained(check: str, record: Mapping[str, Any]) -> tuple[bytes, str]:
    """Return the line of a record that follows a line with this check, and its own check."""
    body = json.dumps(dict(record), separators=(",", ":"), ensure_ascii=True).encode()
    following = _check(check, body)
    return body[:-1] + f',"check":"{following}"}}\n'.encode(), following


def entry_from(record: Mapping[str, Any]) -> Entry:
    """Return the entry of a line's record.

    Raises:
        BorderError: It is none.
    """
    file = record.get("file")
    if not isinstance(file, str) or not is_inside(file):
        raise BorderError("names no file of the folder")
    if record.get("removed") is True:
        return Entry(file, is_removed=True)
    size, words = record.get("bytes"), [record.get(key, "") for key in ("sha256", "seal", "state")]
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise BorderError("says no size")
    if not all(isinstance(word, str) for word in words) or not any(words[:2]):
        raise BorderError("says no hash")
    sha256, seal, state = map(str, words)
    return Entry(file, size, sha256=sha256, seal=seal, state=state)


def is_inside(file: str) -> bool:
    """Tell whether a path stays within the folder that it is taken from."""
    path = PurePosixPath(file)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\0" not in file


def _check(before: str, body: bytes) -> str:
    """Return the check of a line: it hangs on all lines before."""
    return hashlib.sha256(before.encode() + b"\n" + body).hexdigest()[:32]
