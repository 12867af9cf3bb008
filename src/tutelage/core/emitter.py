"""The one way out for events: stamps the seconds since the run began and hands each to every sink.

Who watches can end neither a training nor what the others see: a sink that fails is told about once, and dropped.
"""

import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol, runtime_checkable

from tutelage.core.events import Event, Sink, Warned

__all__ = ["Emitter", "Rewindable"]

TURN_SECONDS = 5.0
"""How long a thread beside the one that trains waits for its turn."""


@runtime_checkable
class Rewindable(Protocol):
    """A sink with files that can be cut back to what they were at a checkpoint."""

    def offsets(self) -> Mapping[str, int]:
        """Return the size of each file in bytes, by name."""

    def rewind(self, offsets: Mapping[str, int]) -> None:
        """Cut the files back to what they were when `offsets` was called."""


class Emitter:
    """Hands events to sinks, one at a time: a second thread may emit `beside` the one that trains."""

    def __init__(self, sinks: Sequence[Sink], *, started: float, seconds_before: float = 0.0) -> None:
        """Start counting.

        Args:
            sinks: Who takes the events.
            started: `time.monotonic()` when this process began the run.
            seconds_before: Seconds that earlier processes spent on the same run.
        """
        self.sinks = list(sinks)
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
            self._ask_each(lambda sink: sink.take(event))

    def emit_beside(self, event: Warned) -> None:
        """Emit from another thread than the one that trains; where that one hangs in a sink, on standard error."""
        if self._turn.acquire(timeout=TURN_SECONDS):
            try:
                self.emit(event)
            finally:
                self._turn.release()
        else:
            sys.stderr.write(f"Warning: {event.message}\n")

    def offsets(self) -> dict[str, int]:
        """Return how large the sinks' files are, for a checkpoint."""
        found: dict[str, int] = {}

        def ask(sink: Sink) -> None:
            if isinstance(sink, Rewindable):
                found.update(sink.offsets())

        self._ask_each(ask)
        return found

    def rewind(self, offsets: Mapping[str, int]) -> None:
        """Cut the sinks' files back to what they were at a checkpoint."""

        def ask(sink: Sink) -> None:
            if isinstance(sink, Rewindable):
                sink.rewind(offsets)

        self._ask_each(ask)

    def close(self) -> None:
        """Let every sink write out what it holds back."""
        self._ask_each(lambda sink: sink.close())

    def _ask_each(self, ask: Callable[[Sink], None]) -> None:
        """Ask every sink for the same; afterwards drop those that failed, and tell the others."""
        with self._turn:
            self._ask_in_turn(ask)

    def _ask_in_turn(self, ask: Callable[[Sink], None]) -> None:
        """Do so while no other thread does."""
        failed: list[tuple[Sink, Exception]] = []
        for sink in tuple(self.sinks):
            try:
                ask(sink)
            except Exception as error:  # the border: whatever a sink raises is its own fault
                failed.append((sink, error))
        self.sinks = [sink for sink in self.sinks if all(sink is not each for each, _ in failed)]
        for sink, failure in failed:
            with suppress(Exception):
                sink.close()
            self._tell_failure(f"{type(sink).__name__} failed ({failure!r}) and is told nothing more. Training goes on.")

    def _tell_failure(self, message: str) -> None:
        """Tell that a sink is gone: through those that are left, else on standard error."""
        if self.sinks:
            self.emit(Warned(message=message))
        # Also where the last ones failed on just this.
        if not self.sinks:
            sys.stderr.write(f"Warning: {message}\n")
