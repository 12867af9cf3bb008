"""The next thing is made in the background while the present one is used: one thread, one thing ahead."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Generic, TypeVar

from tutelage.core.errors import RunError

__all__ = ["Ahead"]

LOOK_SECONDS = 1.0
"""How often a thread that is waited for is looked after."""

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
        self._threads: list[threading.Thread] = []

    def take(self, position: int, *, then: int) -> Made:
        """Return what is at `position`, and begin to make what is at `then`.

        Raises:
            Exception: What making it raised, in the background or not; it can be tried again.
        """
        if self._begun is not None and self._begun[0] != position:
            self.stop()
        begun, self._begun = self._begun, None
        made = self._make(position) if begun is None else self._result(begun[1])
        if self._pool is None:
            self._pool = ThreadPoolExecutor(
                max_workers=1, thread_name_prefix="tutelage-ahead", initializer=_note_thread, initargs=(self._threads,)
            )
        self._begun = then, self._pool.submit(self._make, then)
        return made

    def _result(self, future: Future[Made]) -> Made:
        """Wait for what is being made, as long as there is a thread that makes it."""
        while not wait([future], timeout=LOOK_SECONDS).done:
            if self._threads and not self._threads[-1].is_alive():
                self._pool = None
                raise RunError(
                    "the thread that reads the next batch has died before its batch was there. Resume the run; in a process "
                    "that was forked after training began, start anew."
                )
        return future.result()

    def stop(self) -> None:
        """Wait for what is being made, forget it, and end the thread; `take` begins anew."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool, self._begun = None, None


def _note_thread(threads: list[threading.Thread]) -> None:
    """Remember the thread that makes things; called in it, without the object, which it would keep alive."""
    threads.append(threading.current_thread())
