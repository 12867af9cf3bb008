"""The time that is left: forecast at first, then what the run shows, with all that is still to come."""

import pytest

from tutelage.training.time_left import Expected, TimeLeft


def left(watch: TimeLeft, num_steps: int, *, evaluations: int = 0, took: float = 0.0, spent: float = 0.0) -> float:
    return watch.seconds(num_steps, evaluations=evaluations, evaluation_seconds=took, spent=spent)


def test_before_the_first_step_the_forecast_is_told() -> None:
    watch = TimeLeft(Expected(step_seconds=0.1, evaluation_seconds=2.0, ending_seconds=7.0))
    assert left(watch, 500, evaluations=3) == pytest.approx(50 + 6 + 7)


def test_what_a_run_shows_counts_more_and_more() -> None:
    watch, told = TimeLeft(Expected(step_seconds=0.1)), []
    for _ in range(30):
        watch.look(50, 10.0)
        told.append(watch.step_seconds)
    assert told == sorted(told)
    assert 0.1 < told[0] < 0.2
    assert told[-1] == pytest.approx(0.2, rel=0.01)


def test_a_machine_that_got_busy_is_noticed() -> None:
    watch = TimeLeft(Expected())
    for seconds in (10.0,) * 20 + (20.0,) * 10:
        watch.look(100, seconds)
    assert watch.step_seconds == pytest.approx(0.2, rel=0.1)


def test_a_forecast_that_is_told_late_is_believed_from_then_on() -> None:
    watch = TimeLeft(Expected())
    watch.look(10, 1.0)
    assert left(watch, 100) == pytest.approx(10.0)
    for _ in range(2):
        # The second time it is known already.
        watch.expect(Expected(step_seconds=0.2, ending_seconds=7.0))
    assert left(watch, 100) == pytest.approx(100 * 6 / 35 + 7)


def test_the_latest_evaluation_is_believed_rather_than_the_forecast() -> None:
    watch = TimeLeft(Expected(step_seconds=0.1, evaluation_seconds=2.0))
    assert left(watch, 0, evaluations=4, took=3.0) == pytest.approx(12.0)


def test_a_time_budget_is_never_exceeded() -> None:
    watch = TimeLeft(Expected(step_seconds=1.0, budget_seconds=60.0))
    assert left(watch, 100, spent=20.0) == 40.0
    assert left(watch, 100, spent=70.0) == 0.0


def test_where_nothing_is_known_nothing_is_told() -> None:
    assert left(TimeLeft(Expected()), 100) == 0.0


def test_a_step_of_no_time_is_not_believed() -> None:
    watch = TimeLeft(Expected(step_seconds=5e-324))
    watch.look(10, 1e6)
    assert left(watch, 100) == pytest.approx(1e7)
