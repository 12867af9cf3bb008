"""Work that looks at no clock is left when its time is up, and nothing of the bound stays behind."""

import signal
import threading
import time

import pytest

from tutelage.run.time_limit import TimeIsUpError, can_limit, time_limit


def endless() -> None:
    while True:
        time.sleep(0.001)


def test_endless_work_is_left() -> None:
    began = time.monotonic()
    with pytest.raises(TimeIsUpError), time_limit(0.05):
        endless()
    assert time.monotonic() - began < 2


def test_work_that_ends_in_time_is_not_disturbed_later() -> None:
    handler = signal.getsignal(signal.SIGALRM)
    with time_limit(0.05):
        pass
    time.sleep(0.1)
    assert signal.getsignal(signal.SIGALRM) is handler


def test_a_timer_of_somebody_else_goes_on() -> None:
    handler = signal.getsignal(signal.SIGALRM)
    before = signal.setitimer(signal.ITIMER_REAL, 500)
    try:
        with time_limit(5):
            pass
        assert 490 < signal.getitimer(signal.ITIMER_REAL)[0] <= 500
        assert not can_limit(600)
    finally:
        signal.setitimer(signal.ITIMER_REAL, *before)
    assert signal.getsignal(signal.SIGALRM) is handler


def test_only_a_main_thread_can_be_bounded() -> None:
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(can_limit(1)))
    thread.start()
    thread.join()
    assert found == [False]
