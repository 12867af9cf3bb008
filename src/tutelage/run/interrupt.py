"""Ctrl-C and SIGTERM become a reason to stop that the loop asks for after each step, so a run ends whole."""

import signal
import threading
import time
from types import FrameType
from typing import Self

__all__ = ["TERMINATED", "Interrupt"]

STOP_REASONS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
TERMINATED = 143
"""Exit code after SIGTERM, as shells expect: 128 + the signal's number."""
AGAIN_SECONDS = 2.0
"""A second SIGTERM before that is the first one, told to a process and to its group."""


class Interrupt:
    """While entered, the first Ctrl-C or SIGTERM sets `stop_reason`; another one ends at once, also in a long evaluation.

    Of SIGTERM one that comes within 2 s counts as the same.
    """

    def __init__(self) -> None:
        """Nothing has arrived."""
        self.stop_reason = ""
        self._first = 0.0
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        """Take over both signals; only a main thread can."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._take) for number in STOP_REASONS}
        return self

    def __exit__(self, *_: object) -> None:
        """Give both signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def __call__(self) -> str:
        """Return the stop_reason, "" while nothing has arrived."""
        return self.stop_reason

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.stop_reason and number == signal.SIGINT:
            raise KeyboardInterrupt
        if not self.stop_reason:
            self._first = time.monotonic()
        elif time.monotonic() - self._first > AGAIN_SECONDS:
            raise SystemExit(TERMINATED)
        self.stop_reason = STOP_REASONS[signal.Signals(number)]
