"""The next thing is made in the background while the present one is used: one thread, one thing ahead."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

__all__ = ["Ahead"]

Made = TypeVar("Made")


class Ahead(Generic[Made]):
    """Makes things by their position, each one once, and never two at a time.

    The pool ends its thread when this object is collected, and at exit, after what is being made then.
    """

    def __init__(self, make: Callable[[int], Made]) -> None:
        """Hold what makes things; it should not hold this object."""
        self._make = make
        self._pool: ThreadPoolExecutor | None = None
        self._begun: tuple[int, Future[Made]] | None = None

    def take(self, position: int, *, then: int) -> Made:
        """Return what is at `position`, and begin to make what is at `then`.

        Raises:
            Exception: What making it raised, in the background or not; it can be tried again.
        """
        if self._begun is not None and self._begun[0] != position:
            self.stop()
        begun, self._begun = self._begun, None
        made = self._make(position) if begun is None else begun[1].result()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tutelage-ahead")
        self._begun = then, self._pool.submit(self._make, then)
        return made

    def stop(self) -> None:
        """Wait for what is being made, forget it, and end the thread; `take` begins anew."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool, self._begun = None, None
