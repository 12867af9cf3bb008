"""The one way out for events: stamps the seconds since the run began and hands each to every sink.

Who watches can end neither a training nor what the others see: a sink that fails is told about once, and dropped. One
whose disk refuses is kept: it holds back what it was told, and writes it when there is room.
"""

import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol, runtime_checkable

from tutelage.core.errors import DiskError
from tutelage.core.events import Event, Noted, Sink, Warned
from tutelage.core.outlet import warn
from tutelage.core.stopwatch import Stopwatch

__all__ = ["Emitter", "Holding", "Rewindable"]

TURN_SECONDS = 5.0
"""How long a thread beside the one that trains waits for its turn."""


@runtime_checkable
class Rewindable(Protocol):
    """A sink with files that can be cut back to what they were at a checkpoint."""

    def seals(self) -> Mapping[str, tuple[int, str]]:
        """Return the size in bytes and the SHA-256 of each file, by name."""

    def rewind(self, offsets: Mapping[str, int]) -> None:
        """Cut the files back to so many bytes, by name: what they were when `seals` was called."""


@runtime_checkable
class Holding(Protocol):
    """A sink that raises `DiskError` where its disk refuses: it has taken the event, and holds it back until there is room."""

    @property
    def num_lost(self) -> int:
        """How many lines were more than it could hold back."""


class Emitter:
    """Hands events to sinks, one at a time: a second thread may emit `beside` the one that trains.

    Attributes:
        stopwatch: Where the time of this process goes.
    """

    def __init__(
        self, sinks: Sequence[Sink], *, started: float, seconds_before: float = 0.0, stopwatch: Stopwatch | None = None
    ) -> None:
        """Start counting.

        Args:
            sinks: Who takes the events.
            started: `time.monotonic()` when this process began the run.
            seconds_before: Seconds that earlier processes spent on the same run.
            stopwatch: Of this process, where some of its parts are done; None for a new one.
        """
        self.sinks = list(sinks)
        self.stopwatch = Stopwatch(started=started) if stopwatch is None else stopwatch
        self._held: dict[int, DiskError] = {}
        self._turn = threading.RLock()
        self._origin = started - seconds_before

    @property
    def seconds(self) -> float:
        """Wall time spent on the run so far, all its processes together."""
        return time.monotonic() - self._origin

    def resume_from(self, seconds_before: float) -> None:
        """Add the seconds that earlier processes spent."""
        self._origin -= seconds_before

    def emit(self, event: Event) -> None:
        """Stamp an event and hand it to every sink."""
        with self._turn:
            object.__setattr__(event, "seconds", round(self.seconds, 3))
            self._tell_held(self._ask_each(lambda sink: sink.take(event)))

    def emit_beside(self, event: Warned) -> None:
        """Emit from another thread than the one that trains; where that one hangs in a sink, on standard error."""
        if self._turn.acquire(timeout=TURN_SECONDS):
            try:
                self.emit(event)
            finally:
                self._turn.release()
        else:
            warn(event.message)

    def seals(self) -> dict[str, tuple[int, str]]:
        """Return size and SHA-256 of the sinks' files, for a checkpoint, with all that was told in them.

        Raises:
            DiskError: A sink holds lines back that cannot be written.
        """
        found: dict[str, tuple[int, str]] = {}

        def ask(sink: Sink) -> None:
            if isinstance(sink, Rewindable):
                found.update(sink.seals())

        refused = self._ask_each(ask)
        self._tell_held(refused)
        _raise_first(refused)
        return found

    def rewind(self, offsets: Mapping[str, int]) -> None:
        """Cut the sinks' files back to what they were at a checkpoint.

        Raises:
            DiskError: A file cannot be cut back.
        """

        def ask(sink: Sink) -> None:
            if isinstance(sink, Rewindable):
                sink.rewind(offsets)

        _raise_first(self._ask_each(ask))

    def close(self) -> None:
        """Let every sink write out what it holds back; what it cannot write is told to the others, and lost."""
        ended_by = sys.exc_info()[1]
        try:
            refused = self._ask_each(lambda sink: sink.close())
        except MemoryError:
            if ended_by is None:
                raise
            # What has ended the training says where memory lacked, and that counts.
            return
        self.sinks = [sink for sink in self.sinks if id(sink) not in refused]
        for error in refused.values():
            self._tell_failure(f"{error} Its last lines are lost.")

    def _ask_each(self, ask: Callable[[Sink], None]) -> dict[int, DiskError]:
        """Ask every sink for the same; afterwards drop those that failed, and tell the others. Returns the disks' refusals."""
        with self._turn:
            return self._ask_in_turn(ask)

    def _ask_in_turn(self, ask: Callable[[Sink], None]) -> dict[int, DiskError]:
        """Do so while no other thread does."""
        failed: list[tuple[Sink, Exception]] = []
        refused: dict[int, DiskError] = {}
        for sink in tuple(self.sinks):
            try:
                ask(sink)
            except DiskError as error:
                refused[id(sink)] = error
            except MemoryError:
                # Not the sink's fault: a file that missed a line would be wrong for good. Training ends, and can be resumed.
                raise
            except Exception as error:  # the border: whatever a sink raises is its own fault
                failed.append((sink, error))
        self.sinks = [sink for sink in self.sinks if all(sink is not each for each, _ in failed)]
        for sink, failure in failed:
            with suppress(Exception):
                sink.close()
            self._tell_failure(f"{type(sink).__name__} failed ({failure!r}) and is told nothing more. Training goes on.")
        return refused

    def _tell_held(self, refused: Mapping[int, DiskError]) -> None:
        """Tell, once each, that a sink's disk refuses, and that it takes lines again."""
        before, self._held = self._held, dict(refused)
        for sink in tuple(self.sinks):
            if id(sink) in refused and id(sink) not in before:
                self.emit(
                    Warned(
                        message=f"{refused[id(sink)]} Its lines are held back until it can be written again. Training goes on."
                    )
                )
            elif id(sink) in before and id(sink) not in refused:
                lost = sink.num_lost if isinstance(sink, Holding) else 0
                end = f"{lost:,} lines were more than could be held back, and are lost" if lost else "no line is lost"
                self.emit(Noted(message=f"{before[id(sink)].path}: written again; {end}."))

    def _tell_failure(self, message: str) -> None:
        """Tell that a sink is gone: through those that are left, else on standard error."""
        if self.sinks:
            self.emit(Warned(message=message))
        # Also where the last ones failed on just this.
        if not self.sinks:
            warn(message)


def _raise_first(refused: Mapping[int, DiskError]) -> None:
    """Raise what the first disk said that refused."""
    for error in refused.values():
        raise error
