"""The first signal asks a run to end whole, the second one ends it at once."""

import os
import signal

import pytest

from tutelage.run import interrupt
from tutelage.run.interrupt import TERMINATED, Interrupt


@pytest.mark.parametrize(("number", "reason"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")])
def test_the_first_signal_is_a_reason_to_stop(number: signal.Signals, reason: str) -> None:
    before = signal.getsignal(number)
    with Interrupt() as asked:
        assert asked() == ""
        os.kill(os.getpid(), number)
        assert asked() == reason
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_interrupts_at_once() -> None:
    with Interrupt():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
def test_a_later_second_sigterm_ends_at_once(first: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(interrupt.time, "monotonic", lambda: now[0])
    with Interrupt():
        os.kill(os.getpid(), first)
        now[0] += interrupt.AGAIN_SECONDS + 1
        with pytest.raises(SystemExit) as ended:
            os.kill(os.getpid(), signal.SIGTERM)
    assert ended.value.code == TERMINATED


def test_one_sigterm_that_arrives_twice_lets_a_run_end_whole() -> None:
    with Interrupt() as asked:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked() == "terminated"
