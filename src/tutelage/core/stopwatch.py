"""Where the wall time of a training goes: every moment belongs to one part, so the parts add up to the whole."""

import time
from collections.abc import Callable

__all__ = ["Stopwatch"]


class Stopwatch:
    """Sums up seconds of wall time by part.

    Attributes:
        seconds: For each part how long it took so far, in the order in which the parts first came.
        counts: How often it was done so far, for those parts of which somebody counts that.

    Example:
        >>> watch = Stopwatch(started=0.0, now=iter([2.0, 5.0, 6.0]).__next__)
        >>> watch.lap("reading"), watch.lap("steps"), watch.lap("reading")
        (2.0, 3.0, 1.0)
        >>> watch.seconds
        {'reading': 3.0, 'steps': 3.0}
    """

    def __init__(self, *, started: float, now: Callable[[], float] = time.monotonic) -> None:
        """Begin to count.

        Args:
            started: `time.monotonic()` where the first part begins.
            now: A clock in seconds.
        """
        self.seconds: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self._last, self._now = started, now

    def lap(self, part: str) -> float:
        """Say that all that has passed since the last lap was this part, and return how many seconds that were."""
        moment = self._now()
        passed, self._last = moment - self._last, moment
        self.seconds[part] = self.seconds.get(part, 0.0) + passed
        return passed

    def count(self, part: str) -> None:
        """Say that a part was done once more, whatever it took."""
        self.counts[part] = self.counts.get(part, 0) + 1

    def each(self, part: str) -> float:
        """Return the seconds that a part takes each time, in the mean of those counted; 0 before the first."""
        return self.seconds.get(part, 0.0) / self.counts[part] if self.counts.get(part) else 0.0
