"""Requests that arrive together are answered together: one call of the model for many rows costs little more than for one.

A request waits a few thousandths of a second for others, and then for the model alone. One that the model refuses spoils no
other: then each is answered by itself.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tutelage.core.errors import TutelageError
from tutelage.serve.forms import Form

__all__ = ["Batcher", "BusyError"]

MOST_ROWS = 256
"""Rows that are answered at once, unless a single request has more."""
WAIT_S = 0.004
"""What the first request waits for others."""
MOST_WAITING = 20_000
"""Rows that may wait; beyond, requests are sent away at once."""


class BusyError(Exception):
    """More rows are waiting than is sensible."""


@dataclass
class _Request:
    """Rows that wait for their answers."""

    rows: Sequence[Any]
    future: "asyncio.Future[list[dict[str, Any]]]"


@dataclass
class Batcher:
    """Collects requests, and hands them to the model in one thread.

    Attributes:
        form: Of the rows.
        answer: Takes what `form.source` gives, returns one record a row.
    """

    form: Form
    answer: Callable[[Any], list[dict[str, Any]]]
    _waiting: list[_Request] = field(default_factory=list)
    _task: "asyncio.Task[None] | None" = None
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="model"))

    async def submit(self, rows: Sequence[Any]) -> list[dict[str, Any]]:
        """Return the answers for some rows.

        Raises:
            BusyError: Too many are waiting.
            TutelageError: The model refuses these rows.
        """
        if sum(len(one.rows) for one in self._waiting) + len(rows) > MOST_WAITING:
            raise BusyError
        request = _Request(rows, asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return await request.future

    async def close(self) -> None:
        """Answer whatever is waiting, and end."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])
        self._thread.shutdown()

    async def _work(self) -> None:
        """Answer until nothing is waiting."""
        await asyncio.sleep(WAIT_S)
        while self._waiting:
            batch = self._next()
            found = await asyncio.get_running_loop().run_in_executor(self._thread, self._answers, [one.rows for one in batch])
            for request, reply in zip(batch, found, strict=True):
                if request.future.done():  # nobody waits for it any more
                    continue
                if isinstance(reply, BaseException):
                    request.future.set_exception(reply)
                else:
                    request.future.set_result(reply)

    def _next(self) -> list[_Request]:
        """Take the requests that are answered together: the first, and others like it."""
        key, chosen, count = self.form.key(self._waiting[0].rows), list[_Request](), 0
        for request in self._waiting:
            if chosen and count + len(request.rows) > MOST_ROWS:
                break
            if self.form.key(request.rows) == key:
                chosen.append(request)
                count += len(request.rows)
        taken = {id(one) for one in chosen}
        self._waiting = [one for one in self._waiting if id(one) not in taken]
        return chosen

    def _answers(self, batch: Sequence[Sequence[Any]]) -> list[list[dict[str, Any]] | BaseException]:
        """Return the answers of each request, or why there are none."""
        try:
            found = self._ask([row for rows in batch for row in rows])
        except Exception as error:
            if len(batch) == 1:
                return [error]
            return [reply for rows in batch for reply in self._answers([rows])]
        replies: list[list[dict[str, Any]] | BaseException] = []
        for rows in batch:
            replies.append(found[: len(rows)])
            found = found[len(rows) :]
        return replies

    def _ask(self, rows: Sequence[Any]) -> list[dict[str, Any]]:
        with self.form.source(rows) as source:
            found = self.answer(source)
        if len(found) != len(rows):
            raise TutelageError(f"{len(found):,} answers for {len(rows):,} rows.")
        return found
