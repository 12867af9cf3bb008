"""The pace of steps is that of warm steps, whatever the first ones, single hiccups or regular long steps take."""

import numpy as np
import pytest

from tutelage.foresight.pace import find_period, measure_pace, warm_up_length


def noisy(level: float, count: int, *, spread: float = 0.01, seed: int = 0) -> np.ndarray:
    return level * np.exp(np.random.default_rng(seed).normal(0, spread, count))


def test_the_first_steps_are_no_part_of_the_pace() -> None:
    times = np.concatenate([[2.0, 0.5], noisy(0.1, 60)])
    pace = measure_pace(times)
    assert pace.seconds == pytest.approx(0.1, rel=0.01)
    assert pace.warm_up_seconds == pytest.approx(2.3, rel=0.01)
    assert pace.total(1000) == pytest.approx(102.3, rel=0.01)


def test_a_slow_warm_up_ends_at_its_change_point() -> None:
    assert warm_up_length(np.concatenate([noisy(0.15, 20), noisy(0.1, 60, seed=1)])) == pytest.approx(20, abs=1)


def test_steady_steps_have_no_warm_up_but_the_first() -> None:
    assert warm_up_length(noisy(0.1, 60)) == 1


def test_a_moment_in_which_the_machine_is_busy_is_no_property_of_the_training() -> None:
    times = noisy(0.1, 64)
    times[30:33] = 0.5
    assert measure_pace(times).seconds == pytest.approx(0.1, rel=0.01)


def test_long_steps_that_come_regularly_are_a_period_and_count() -> None:
    times = noisy(0.01, 400)
    times[::40] += 0.4
    assert find_period(times) == 40
    assert measure_pace(times).seconds == pytest.approx(0.02, rel=0.02)


def test_the_drift_is_the_change_over_all_steps() -> None:
    assert measure_pace(np.linspace(0.1, 0.12, 161)).drift == pytest.approx(0.18, abs=0.03)


def test_one_step_is_a_pace_that_nobody_should_trust() -> None:
    pace = measure_pace([0.3])
    assert (pace.seconds, pace.warm_up_seconds) == (0.3, 0.0)
    assert pace.spread >= 0.2


def test_more_steps_make_the_pace_surer() -> None:
    few, many = (measure_pace(noisy(0.1, count, spread=0.2)).spread for count in (8, 800))
    assert many < few
