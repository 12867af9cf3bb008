"""What a training started from Python tells: the same events, with remedies as arguments of Python."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tutelage.core.events import Decided, Event, Noted, Sink, Warned
from tutelage.planning.python_words import in_python
from tutelage.track.console import Console

__all__ = ["ToldInPython", "python_console"]


class ToldInPython:
    """Hands events on to another sink, in words of Python."""

    def __init__(self, sink: Sink, *, is_estimator: bool = False) -> None:
        """Hold the sink; for an estimator of scikit-learn, most keys stand in its `settings`."""
        self._sink, self._is_estimator = sink, is_estimator

    def take(self, event: Event) -> None:
        """Take one event."""
        if isinstance(event, Warned | Noted):
            event = replace(event, message=in_python(event.message, is_estimator=self._is_estimator))
        elif isinstance(event, Decided):
            event = replace(event, reason=in_python(event.reason, is_estimator=self._is_estimator))
        self._sink.take(event)

    def close(self) -> None:
        """Close the sink."""
        self._sink.close()


def python_console(out: str | Path, *, is_quiet: bool = False, is_estimator: bool = False) -> Sequence[Sink]:
    """Return what shows a training that was started from Python on standard error."""
    console = Console(mode="quiet" if is_quiet else "auto").open(Path(out or "."))
    return [ToldInPython(console, is_estimator=is_estimator)]
