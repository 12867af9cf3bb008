"""The thread that makes the next thing: what it raises arrives, and where it has died nobody waits for it."""

import gc
import threading
import weakref

import pytest

from tutelage.core.errors import RunError
from tutelage.data.ahead import Ahead


def test_what_making_raises_arrives_where_the_thing_is_taken() -> None:
    def make(position: int) -> int:
        if position == 2:
            raise OSError(5, "Input/output error")
        return position

    ahead = Ahead(make)
    assert ahead.take(1, then=2) == 1
    with pytest.raises(OSError, match="Input/output"):
        ahead.take(2, then=3)
    ahead.stop()


def test_a_thread_that_has_died_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tutelage.data.ahead.LOOK_SECONDS", 0.05)
    release = threading.Event()

    def make(position: int) -> int:
        if position == 2:
            release.wait()
        return position

    ahead = Ahead(make)
    ahead.take(1, then=2)
    (thread,) = ahead._threads
    monkeypatch.setattr(thread, "is_alive", lambda: False)
    with pytest.raises(RunError, match="has died"):
        ahead.take(2, then=3)
    release.set()


def test_its_thread_does_not_keep_it_alive() -> None:
    ahead = Ahead(lambda position: position)
    ahead.take(1, then=2)
    gone = weakref.ref(ahead)
    del ahead
    gc.collect()
    assert gone() is None
