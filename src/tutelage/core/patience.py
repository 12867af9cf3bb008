"""How long a disk that refuses is waited for: told once, tried again with growing pauses, given up after a while.

Memory that lacks for what is to be written is waited for alike: other programs may give it back; not so where the addresses of
this process are few, which is given up soon. That a file would be larger than files may be does not pass: given up at once.
"""

import errno
import math
import time
from collections.abc import Callable
from typing import TypeVar

from tutelage.core.allocator import is_scarce
from tutelage.core.emitter import Emitter
from tutelage.core.errors import DiskError, OutOfMemoryError
from tutelage.core.events import Noted, Warned

__all__ = ["PATIENCE_SECONDS", "Patience", "telling"]

PATIENCE_SECONDS = 600.0
"""Time for which a full disk is waited for, unless the user says otherwise: long enough to be told of it, and to make room."""
OWN_LIMIT_SECONDS = 5.0
"""The same for memory that only this process could free."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between the first two tries, and at most; each pause is twice the one before."""

Value = TypeVar("Value")


class Patience:
    """One thing that is written again and again, such as checkpoints, and how long it has been refused."""

    def __init__(
        self, seconds: float, *, warn: Callable[[str], None], note: Callable[[str], None], meanwhile: str, remedy: str
    ) -> None:
        """Wait `seconds` from the first refusal on; 0 ends at once.

        Args:
            seconds: How long to go on without having written.
            warn: Told the first refusal of a row of them.
            note: Told when it works again.
            meanwhile: What happens until then, such as `Training goes on.`
            remedy: What the user can do once it is given up.
        """
        self._seconds = seconds
        self._memory_seconds = min(seconds, OWN_LIMIT_SECONDS) if is_scarce() else seconds
        self._warn, self._note = warn, note
        self._meanwhile, self._remedy = meanwhile, remedy
        self._since, self._pause = math.inf, 0.0

    def keep_working(self) -> None:
        """Wait for memory as long as for a disk, whoever holds it: meanwhile there is work that may need less."""
        self._memory_seconds = self._seconds

    @property
    def pause(self) -> float:
        """Seconds from the last try until the next one; infinite while nothing is refused."""
        return self._pause if self._since < math.inf else math.inf

    def refused(self, error: DiskError | OutOfMemoryError) -> None:
        """Take note that it was refused.

        Raises:
            DiskError, OutOfMemoryError: It has been refused for too long.
        """
        now = time.monotonic()
        is_first = self._since == math.inf
        self._since = min(self._since, now)
        self._pause = FIRST_PAUSE if is_first else min(2 * self._pause, LONGEST_PAUSE)
        seconds = self._patience_with(error)
        if now - self._since >= seconds:
            waited = f" So it has been for {_say(seconds)}: given up." if seconds else ""
            if isinstance(error, OutOfMemoryError):
                # The training that ends with it says how to go on, as for any lack of memory.
                raise OutOfMemoryError(f"{error}{waited}") from error
            raise DiskError(f"{error}{waited} {self._remedy}", path=error.path, number=error.number) from error
        if is_first:
            self._warn(f"{error} {self._meanwhile} It is tried again for {_say(seconds)}.")

    def accepted(self, what: str) -> None:
        """Take note that `what` was written; told where it was refused before."""
        if self._since < math.inf:
            self._note(f"{what}: written again, after {_say(time.monotonic() - self._since)}.")
        self._since, self._pause = math.inf, 0.0

    def insist(self, work: Callable[[], Value], *, what: str) -> Value:
        """Do `work`, and while the file system refuses or memory lacks, wait and do it anew.

        Raises:
            DiskError, OutOfMemoryError: It was refused for too long, counted from this call on.
        """
        self._since = math.inf
        while True:
            try:
                value = work()
            except (DiskError, OutOfMemoryError) as error:
                self.refused(error)
                seconds = self._patience_with(error)
            else:
                self.accepted(what)
                return value
            time.sleep(min(self._pause, max(self._since + seconds - time.monotonic(), 0.0)))

    def _patience_with(self, error: DiskError | OutOfMemoryError) -> float:
        """Return how long such a refusal is waited for."""
        if isinstance(error, OutOfMemoryError):
            return self._memory_seconds
        return 0.0 if error.number == errno.EFBIG else self._seconds


def telling(emitter: Emitter, seconds: float, *, meanwhile: str, remedy: str) -> Patience:
    """Return a patience that tells as events; arguments as of `Patience`."""
    return Patience(
        seconds,
        warn=lambda text: emitter.emit(Warned(message=text)),
        note=lambda text: emitter.emit(Noted(message=text)),
        meanwhile=meanwhile,
        remedy=remedy,
    )


def _say(seconds: float) -> str:
    """Write a time."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
