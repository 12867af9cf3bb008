"""The one way out for events: stamps the seconds since the run began and hands each to every sink."""

import time
from collections.abc import Sequence

from tutelage.core.events import Event, Sink

__all__ = ["Emitter"]


class Emitter:
    """Hands events to sinks."""

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
        for sink in self.sinks:
            sink.take(event)

    def close(self) -> None:
        """Let every sink write out what it holds back."""
        for sink in self.sinks:
            sink.close()
