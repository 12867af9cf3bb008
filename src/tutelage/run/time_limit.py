"""A bound on work that looks at no clock, such as compiling: when the time is up, it is left by an exception.

Only a main thread can be interrupted so, and only where the system has timers; ask `can_limit` before.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["TimeIsUpError", "can_limit", "time_limit"]

AGAIN_SECONDS = 5.0
"""After so long the exception is raised once more, where somebody has swallowed it."""
MARGIN_SECONDS = 1.0
"""By which another timer of this process has to be later than ours."""


class TimeIsUpError(BaseException):
    """Work took longer than it may; no `Exception`, so that no library takes it for its own."""


def can_limit(seconds: float) -> bool:
    """Tell whether work can be bounded here: in a main thread, where no timer of somebody else rings before ours."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        return False
    left, _ = signal.getitimer(signal.ITIMER_REAL)
    return left == 0 or left > seconds + MARGIN_SECONDS


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Leave what is done within when the time is up; the timer and the handler that were there are put back.

    Raises:
        TimeIsUpError: The time is up.
    """
    began, is_on = time.monotonic(), True

    def ring(number: int, frame: FrameType | None) -> None:
        if is_on:
            raise TimeIsUpError

    handler = signal.signal(signal.SIGALRM, ring)
    left, interval = signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3), AGAIN_SECONDS)
    try:
        yield
    finally:
        is_on = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 1e-3), interval)
