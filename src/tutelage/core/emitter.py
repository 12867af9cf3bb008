"""The one way out for events: stamps the seconds since the run began and hands each to every sink.

Who watches can end neither a training nor what the others see: a sink that fails is told about once, and dropped.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol, runtime_checkable

from tutelage.core.events import Event, Sink, Warned
from tutelage.core.outlet import tell

__all__ = ["Emitter", "Rewindable"]


@runtime_checkable
class Rewindable(Protocol):
    """A sink with files that can be cut back to what they were at a checkpoint."""

    def offsets(self) -> Mapping[str, int]:
        """Return the size of each file in bytes, by name."""

    def rewind(self, offsets: Mapping[str, int]) -> None:
        """Cut the files back to what they were when `offsets` was called."""


class Emitter:
    """Hands events to sinks; for one thread only."""

    def __init__(self, sinks: Sequence[Sink], *, started: float, seconds_before: float = 0.0) -> None:
        """Start counting.

        Args:
            sinks: Who takes the events.
            started: `time.monotonic()` when this process began the run.
            seconds_before: Seconds that earlier processes spent on the same run.
        """
        self.sinks = list(sinks)
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
        object.__setattr__(event, "seconds", round(self.seconds, 3))
        self._ask_each(lambda sink: sink.take(event))

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
            tell(f"Warning: {message}")
