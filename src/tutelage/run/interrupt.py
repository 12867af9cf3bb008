"""Ctrl-C and SIGTERM become a reason to stop that the loop asks for after each step, so a run ends whole."""

import signal
import threading
from types import FrameType
from typing import Self

__all__ = ["Interrupt"]

STOP_REASONS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


class Interrupt:
    """While entered, the first Ctrl-C or SIGTERM sets `stop_reason`; the second Ctrl-C interrupts at once, as usual."""

    def __init__(self) -> None:
        """Nothing has arrived."""
        self.stop_reason = ""
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
        self.stop_reason = STOP_REASONS[signal.Signals(number)]
