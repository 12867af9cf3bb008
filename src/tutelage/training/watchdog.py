"""Notices that a step, a batch or an evaluation does not come, and tells where every thread stands; it ends nothing.

A thread of its own looks at the clock of the training now and then: it costs the training nothing and changes no result. It
cannot see anything while some library holds the interpreter's lock without ever letting go.
"""

import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tutelage.core.emitter import Emitter
from tutelage.core.events import Stalled

__all__ = ["Progress", "Watchdog"]

USUAL_TIMES = 20
"""A step that takes so many times as long as a usual one is late."""
FIRST_TIMES = 10
"""The first step may take so many times the limit: kernels are compiled and files are opened."""
LOOKS_PER_LIMIT = 12
"""Looks in the shortest time after which anything is told."""
BACK_OFF = 2
"""Each further telling of the same standstill comes after so many times as long."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training is.

    Attributes:
        step: Steps done.
        work: What is being done, such as `evaluating`; "" while it makes steps.
        usual_seconds: How long that usually takes; 0 where it is not known.
    """

    step: int
    work: str = ""
    usual_seconds: float = 0.0


class Watchdog:
    """Watches a training while it is entered."""

    def __init__(self, emitter: Emitter, look: Callable[[], Progress], *, limit_seconds: float) -> None:
        """Hold what is watched.

        Args:
            emitter: Is told, from the watching thread.
            look: Returns where the training is; it must not wait for anything.
            limit_seconds: Shortest time that is too long; 0 watches nothing.
        """
        self._emitter, self._look, self._limit = emitter, look, limit_seconds
        self._is_over = threading.Event()
        self._watched = threading.get_ident()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._limit > 0:
            self._watched = threading.get_ident()
            self._thread = threading.Thread(target=self._watch, name="tutelage-watchdog", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        """Look again and again, and tell of each standstill at growing intervals."""
        last, since = self._look(), time.monotonic()
        first_step, first_time = last.step, since
        told_after = 0.0
        while not self._is_over.wait(self._limit / LOOKS_PER_LIMIT):
            now, found = time.monotonic(), self._look()
            if (found.step, found.work) != (last.step, last.work):
                last, since, told_after = found, now, 0.0
                continue
            steps = found.step - first_step
            usual = found.usual_seconds or ((since - first_time) / steps if steps and not found.work else 0.0)
            least = self._limit if usual else self._limit * FIRST_TIMES
            late_after = max(least, USUAL_TIMES * usual, told_after * BACK_OFF)
            if now - since >= late_after:
                told_after = now - since
                self._tell(found, told_after)

    def _tell(self, found: Progress, waited: float) -> None:
        """Tell of a standstill, with all stacks."""
        what = f"{found.work} has not ended" if found.work else f"step {found.step + 1:,} has not come"
        stacks = say_stacks(leave_out=threading.get_ident())
        where = say_place(self._watched)
        message = (
            f"{what} for {waited:.0f} s; training goes on where it comes. It stands in {where}. All stacks are in events.jsonl. "
            "Usual causes: a disk, an environment or another process that does not answer."
        )
        self._emitter.emit_beside(Stalled(step=found.step, waited_seconds=round(waited, 1), stacks=stacks, message=message))


def say_stacks(*, leave_out: int) -> str:
    """Return where each thread of this process stands, by name."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    told = [
        f"thread {names.get(number, number)}:\n{''.join(traceback.format_stack(frame))}"
        for number, frame in sys._current_frames().items()
        if number != leave_out
    ]
    return "\n".join(told)


def say_place(thread: int) -> str:
    """Return the innermost place of a thread: file, line and function."""
    frame = sys._current_frames().get(thread)
    if frame is None:
        return "a thread that has ended"
    place = traceback.extract_stack(frame)[-1]
    return f"{place.filename}:{place.lineno} ({place.name})"
