"""The one reader of a run's files: within limits, checked against the manifest, of the right format and types.

What does not match is named with its remedy. The files of a run's birth are held a second time by its checkpoints: where one
of them was damaged, that copy is used, and told. Logs fall back to the part that is sealed. Whoever reads a run asks here.
"""

import hashlib
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tutelage.core import layout
from tutelage.core.border import BorderError, is_missing, opened, parse_object, read_bounded
from tutelage.core.errors import BRING_BACK, RunError
from tutelage.core.hashing import feed
from tutelage.core.journal import Journal, read_journal
from tutelage.core.names import shorten
from tutelage.core.typed import first_mistake
from tutelage.planning.plan import Plan, plan_from
from tutelage.planning.python_words import in_python
from tutelage.planning.recipe import Recipe, recipe_from, recipe_values
from tutelage.track.jsonl import parse_records

__all__ = ["RunFiles", "intact_prefix", "remedy_for", "tell_nobody", "warn_user"]


class DataRecord(BaseModel):
    """What is asked of data.json."""

    model_config = ConfigDict(extra="allow")
    fingerprint: str
    target: str = ""


# Strict: what is checked is used as it stands in the file, so a text of digits is no number.
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class ResultRecord(BaseModel):
    """What is asked of result.json."""

    model_config = ConfigDict(extra="allow")
    task: str
    headline: str = ""
    metrics: dict[str, Number | None]
    intervals: dict[str, tuple[Number | None, Number | None] | None]
    figures: dict[str, Number | None] = {}
    warnings: tuple[str, ...] = ()
    stopped: str
    seconds: Number | None = None
    answers_rows: Annotated[bool, Field(strict=True)] = True


RECORDS: dict[str, type[BaseModel]] = {layout.DATA: DataRecord, layout.RESULT: ResultRecord}


def warn_user(text: str) -> None:
    """Tell a caller from Python."""
    warnings.warn(in_python(text), UserWarning, stacklevel=2)


def tell_nobody(_text: str) -> None:
    """Keep what is told for later: it stands in `RunFiles.notes`."""


@dataclass
class RunFiles:
    """The files of one run folder, for reading; nothing is written.

    Attributes:
        folder: The run folder.
        tell: Takes each thing that was not as it should be and could be gone around, once.
        is_lenient: Whether to take what cannot be checked, and tell so: for showing, never for training.
        notes: All that was told.
    """

    folder: Path
    tell: Callable[[str], None] = warn_user
    is_lenient: bool = False
    notes: list[str] = field(default_factory=list)

    @cached_property
    def journal(self) -> Journal:
        """What the manifest says; what is wrong with it is told."""
        journal = read_journal(self.folder)
        if not journal.num_lines and any(self.has(file) for file in (*layout.BORN, *layout.LOGS, layout.RESULT)):
            found = f"cannot be read ({journal.unread})" if journal.unread else "is missing or empty"
            self.say(f"{self._manifest}: {found}, so the files of this run cannot be checked by it. {self._repair}")
        for number, _ in journal.damaged:
            self.say(f"{self._manifest}: line {number:,} is damaged. {self._repair}")
        return journal

    @property
    def is_sound(self) -> bool:
        """Whether the manifest is there and whole."""
        return bool(self.journal.num_lines) and not self.journal.damaged

    def say(self, text: str) -> None:
        """Tell something, once."""
        if text not in self.notes:
            self.notes.append(text)
            self.tell(text)

    def has(self, file: str) -> bool:
        """Tell whether something of that name is there, whatever it is."""
        return os.path.lexists(self.folder / file)

    def content(self, file: str) -> bytes:
        """Return a small file's content: what the run wrote, and nothing else.

        Raises:
            RunError: It is missing, beyond a limit, or not what the run wrote, and there is no copy of it.
        """
        found, content = self.raw(file)
        if content is not None and self._is_vouched(file, content):
            return content
        copy = self.copy_of(file)
        if copy is not None and (copy == content or self._may_replace(file, copy)):
            if copy != content:
                self.say(f"{self.folder / file}: {found}. Its copy in the newest checkpoint is used. {self._repair}")
            return copy
        if content is not None and self.is_lenient and file not in self.journal.entries:
            if self.journal.num_lines:
                self.say(f"{self.folder / file}: {layout.MANIFEST} says nothing of it, and it is shown as it is.")
            return content
        raise RunError(f"{self.folder / file}: {found}. {remedy_for(self.folder, file)}")

    def raw(self, file: str) -> tuple[str, bytes | None]:
        """Return what is to be said of a small file that does not match, and its content as it is; None where it cannot be read.

        Raises:
            OSError: It is there and cannot be read.
        """
        try:
            content = read_bounded(self.folder / file)
        except BorderError as error:
            return str(error), None
        except OSError as error:
            if is_missing(error):
                return "is missing", None
            raise
        entry = self.journal.latest(file)
        if entry is None:
            return f"{layout.MANIFEST} does not vouch for it", content
        sizes = f"{len(content):,} bytes" + ("" if len(content) == entry.bytes else f" in place of {entry.bytes:,}")
        return f"is not what this run wrote ({sizes}, another SHA-256 than {layout.MANIFEST} says)", content

    def knows_another(self, file: str, *, seal: str) -> bool:
        """Tell whether the manifest speaks of a file that verifies itself, and not of the one that says this seal."""
        if file in self.journal.entries and not self.journal.accepts(file, seal=seal):
            del self.journal  # it may have been written since
        return file in self.journal.entries and not self.journal.accepts(file, seal=seal)

    def copy_of(self, file: str) -> bytes | None:
        """Return what the newest intact checkpoint holds of a file."""
        text = self.checkpoint.get("outside", {}).get("texts", {}).get(file)
        return text.encode() if isinstance(text, str) else None

    @cached_property
    def checkpoint(self) -> dict[str, Any]:
        """The values of the newest intact checkpoint, {} where there is none; read only when something is damaged."""
        from tutelage.training.checkpoint import newest_checkpoint  # loads torch, which a list of runs does not need

        try:
            return newest_checkpoint(self.folder)[0].values
        except RunError:
            return {}

    def record(self, file: str, *, is_typed: bool = True) -> dict[str, Any]:
        """Return a JSON file's record, of the right format and types.

        Args:
            file: Its name.
            is_typed: Whether its values shall be checked here; else whoever asks checks what it takes.

        Raises:
            RunError: As `content`, or it is not such a record.
        """
        where = self.folder / file
        try:
            record = parse_object(self.content(file))
            expected = layout.FORMATS.get(file)
            if expected is not None and record.get("format", expected if self.is_lenient else None) != expected:
                raise BorderError(f"is of format {shorten(record.get('format'))}; this version reads {expected!r}")
            if file in RECORDS and is_typed:
                RECORDS[file].model_validate(record)
        except ValidationError as error:
            raise RunError(f"{where}: {first_mistake(error)}. {BRING_BACK}") from error
        except BorderError as error:
            raise RunError(f"{where}: {error}. {BRING_BACK}") from error
        return record

    def result(self) -> dict[str, Any]:
        """Return the record of result.json; {} while none has been written.

        Raises:
            RunError: As `record`, or it was written and is gone.
        """
        if self.has(layout.RESULT):
            return self.record(layout.RESULT)
        entry = self.journal.latest(layout.RESULT)
        if entry is None or entry.is_removed:
            return {}
        raise RunError(f"{self.folder / layout.RESULT}: is missing. To have it written anew: tutelage resume {self.folder}.")

    def plan(self) -> tuple[Plan, str]:
        """Return the plan, and the command that it stands for."""
        record = self.record(layout.PLAN)
        command = record.pop("command", "")
        return plan_from(record, where=str(self.folder / layout.PLAN)), str(command)

    def recipe(self) -> Recipe:
        """Return the recipe."""
        where = str(self.folder / layout.RECIPE)
        return recipe_from(recipe_values(self.content(layout.RECIPE), where=where), where=where)

    def log(self, file: str) -> list[dict[str, Any]]:
        """Return the records of a log, as far as it can be trusted; what is left out is told."""
        path = self.folder / file
        records: list[dict[str, Any]] = []
        try:
            size = self.sound_bytes(file)
            with os.fdopen(opened(path), "rb") as lines:
                # Those before the one that fails stay.
                records.extend(parse_records(lines, path=path, size=size))
        except FileNotFoundError:
            if file in self.journal.entries:
                self.say(f"{path}: is missing.")
        except (RunError, BorderError, OSError) as error:
            self.say(f"{error} What follows is left out." if isinstance(error, RunError) else f"{path}: {error}.")
        return records

    def sound_bytes(self, file: str) -> int:
        """Return how many bytes of a log can be trusted; why not all, is told.

        Raises:
            BorderError, OSError: It is no file, or cannot be read.
        """
        path, sealed = self.folder / file, self.journal.prefixes(file)
        size = path.stat().st_size if path.is_file() else 0
        good = intact_prefix(path, [(entry.bytes, entry.sha256) for entry in sealed])
        if not sealed:
            if self.journal.num_lines:
                self.say(f"{path}: could not be checked: {layout.MANIFEST} does not say how far it is sealed.")
            return size
        if good < sealed[-1].bytes:
            self.say(f"{path}: is not what this run wrote after byte {good:,}: what follows is left out.")
            return good
        if size > good:
            self.say(f"{path}: its last {size - good:,} bytes are not sealed yet: the run goes on, or was cut off.")
        return size

    def _is_vouched(self, file: str, content: bytes) -> bool:
        """Tell whether the manifest vouches for a content, also one that was written after it was last read."""
        sha = hashlib.sha256(content).hexdigest()
        if not self.journal.accepts(file, sha256=sha):
            del self.journal
        return self.journal.accepts(file, sha256=sha)

    def _may_replace(self, file: str, copy: bytes) -> bool:
        """Tell whether a checkpoint's copy is what the run wrote last: a file that was changed by hand since has none."""
        known = file in self.journal.entries
        return not known or self.journal.accepts(file, sha256=hashlib.sha256(copy).hexdigest())

    @property
    def _manifest(self) -> Path:
        return self.folder / layout.MANIFEST

    @property
    def _repair(self) -> str:
        return f"To mend what can be mended: tutelage verify {self.folder} --repair"


def intact_prefix(path: Path, seals: list[tuple[int, str]]) -> int:
    """Return the size of the longest beginning of a file that has one of these sizes and its SHA-256; 0 where none has.

    Args:
        path: The file, read once.
        seals: Size and SHA-256, the smallest first.
    """
    sha, done, good = hashlib.sha256(), 0, 0
    with os.fdopen(opened(path), "rb") as file:
        for size, expected in seals:
            done += feed(sha, file, size - done)
            if done == size and sha.hexdigest() == expected:
                good = size
    return good


def remedy_for(folder: Path, file: str) -> str:
    """Say what to do about a file that is not what the run wrote."""
    if file == layout.REPORT:
        return f"Write it anew: tutelage report {folder}"
    return f"Bring an intact copy back; or, if you changed it yourself and want it so: tutelage verify {folder} --accept"
