"""The watchdog: a standstill is told with all stacks, again and again more rarely, and nothing else is."""

import threading
import time
from collections.abc import Callable

import pytest

from tests.stand_ins import Told
from tutelage.core.emitter import Emitter
from tutelage.core.events import Event, Stalled
from tutelage.training.watchdog import Progress, Watchdog


class Work:
    """A training whose steps are made by the test."""

    def __init__(self) -> None:
        self.step, self.work, self.usual = 0, "", 0.0

    def look(self) -> Progress:
        return Progress(self.step, self.work, self.usual)


def told(do: Callable[[Work], None], *, limit: float = 0.12) -> list[Stalled]:
    memory, work = Told(), Work()
    with Watchdog(Emitter([memory], started=time.monotonic()), work.look, limit_seconds=limit):
        do(work)
    assert not [thread for thread in threading.enumerate() if thread.name == "tutelage-watchdog"]
    return memory.named(Stalled)


def make_steps(work: Work, count: int) -> None:
    for _ in range(count):
        time.sleep(0.02)
        work.step += 1


def test_a_step_that_does_not_come_is_told_with_the_place_where_it_stands_and_again_more_rarely() -> None:
    def hang(work: Work) -> None:
        work.usual = 0.001
        make_steps(work, 3)
        stand_still()

    events = told(hang)
    assert 2 <= len(events) <= 4
    assert "step 4 has not come" in events[0].message
    assert "stand_still" in events[0].message
    assert "stand_still" in events[0].stacks
    assert events[1].waited_seconds >= 1.8 * events[0].waited_seconds


def stand_still() -> None:
    time.sleep(1.0)


def test_steps_that_come_are_not_told() -> None:
    assert not told(lambda work: make_steps(work, 60), limit=1.0)


def test_the_first_step_may_take_longer() -> None:
    assert not told(lambda work: time.sleep(0.6))


def test_an_evaluation_is_measured_by_what_it_usually_takes() -> None:
    def evaluate(work: Work) -> None:
        make_steps(work, 3)
        work.work, work.usual = "the evaluation", 0.1
        time.sleep(0.5)

    assert not told(evaluate)

    def hang(work: Work) -> None:
        make_steps(work, 3)
        work.work, work.usual = "the evaluation", 0.01
        time.sleep(0.5)

    assert "the evaluation has not ended" in told(hang)[0].message


def test_nothing_is_watched_where_the_limit_is_nothing() -> None:
    assert not told(lambda work: time.sleep(0.3), limit=0.0)


def test_a_standstill_inside_of_a_sink_is_told_on_standard_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tutelage.core.emitter.TURN_SECONDS", 0.1)

    class Stuck(Told):
        def take(self, event: Event) -> None:
            time.sleep(0.5)

    emitter = Emitter([Stuck()], started=time.monotonic())
    thread = threading.Thread(target=lambda: emitter.emit(Event()))
    thread.start()
    time.sleep(0.05)
    emitter.emit_beside(Stalled(step=1, waited_seconds=1.0, stacks="", message="step 2 has not come"))
    thread.join()
    assert "step 2 has not come" in capsys.readouterr().err
