"""A remembered pace and the first steps are believed together, unless they contradict each other."""

import math

import pytest

from tutelage.foresight.pace import Pace
from tutelage.foresight.remembered import Believed, believed

SURE = 0.01


def told(*before: float, now: float | None = None, spread: float = SURE) -> Believed:
    paces = [Pace(seconds, spread=spread, num_steps=100) for seconds in before]
    return believed(paces, now=None if now is None else Pace(now, spread=SURE), machine_spread=0.15)


def test_what_one_training_took_is_as_unsure_as_the_machine_twice() -> None:
    found = told(0.2)
    assert (found.seconds, found.verdict) == (pytest.approx(0.2), "unseen")
    # Once for then, once for now.
    assert found.spread == pytest.approx(math.sqrt(2) * 0.15, rel=0.01)


def test_more_trainings_make_it_surer_where_they_agree_and_less_sure_where_they_do_not() -> None:
    assert told(0.2, 0.2, 0.2).spread < told(0.2).spread < told(0.2, 0.4, 0.1).spread


def test_first_steps_of_the_same_pace_make_it_surer() -> None:
    found = told(0.2, now=0.19)
    assert found.verdict == "borne out"
    assert 0.19 < found.seconds < 0.2
    assert found.spread < told(0.2).spread


@pytest.mark.parametrize("now", [0.04, 1.0])
def test_first_steps_five_times_as_fast_or_as_slow_are_believed_alone(now: float) -> None:
    found = told(0.2, 0.21, now=now)
    assert (found.verdict, found.seconds) == ("contradicted", pytest.approx(now))
    assert found.spread > told(0.2, 0.21).spread


def test_a_machine_that_was_busy_once_contradicts_nothing() -> None:
    found = told(0.2, 1.0, now=0.21)
    assert (found.verdict, found.nearest) == ("borne out", 0)
    assert found.seconds == pytest.approx(0.21, rel=0.05)


def test_the_pace_of_two_steps_says_little() -> None:
    found = believed([Pace(0.2, spread=0.5), Pace(0.02, spread=SURE)], now=None, machine_spread=0.15)
    assert found.seconds < 0.03
