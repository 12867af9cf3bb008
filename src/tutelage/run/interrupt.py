"""Ctrl-C and SIGTERM become a verdict that the loop asks for after each step, so a run ends whole."""

import signal
import threading
from types import FrameType
from typing import Self

__all__ = ["Interrupt"]

VERDICTS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


class Interrupt:
    """While entered, the first Ctrl-C or SIGTERM sets `verdict`; the second Ctrl-C interrupts at once, as usual."""

    def __init__(self) -> None:
        """Nothing has arrived."""
        self.verdict = ""
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        """Take over both signals; only a main thread can."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._take) for number in VERDICTS}
        return self

    def __exit__(self, *_: object) -> None:
        """Give both signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def __call__(self) -> str:
        """Return the verdict, "" while nothing has arrived."""
        return self.verdict

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.verdict and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.verdict = VERDICTS[signal.Signals(number)]
