"""A run's wall time is the sum of its parts, each as often as the run does it; what is unsure shows in the interval."""

import pytest

from tutelage.foresight.pace import Pace
from tutelage.foresight.run_time import Measured, Schedule, Stops, run_time, within

KNOWN = Measured(
    once={"starting": 2.0, "reading": 1.0},
    pace=Pace(0.1, warm_up_seconds=3.0, spread=0.01, num_steps=100),
    first_evaluation=0.5,
    evaluation=0.2,
    checkpoint=0.05,
)


def test_the_parts_add_up_to_what_is_expected() -> None:
    found = run_time(KNOWN, Schedule(steps=500, evaluations=11, save_seconds=15.0))
    assert found.parts == pytest.approx(
        {"starting": 2.0, "reading": 1.0, "warm-up": 3.0, "steps": 50.0, "evaluations": 2.5, "checkpoints": 0.15}
    )
    assert found.seconds == pytest.approx(sum(found.parts.values()), rel=0.01)


def test_the_wider_interval_holds_the_narrower_one_and_the_median() -> None:
    found = run_time(KNOWN, Schedule(steps=500, evaluations=11))
    assert found.interval_80[0] < found.interval_50[0] < found.seconds < found.interval_50[1] < found.interval_80[1]


def test_what_has_passed_is_certain() -> None:
    whole = run_time(KNOWN, Schedule(steps=500), passed=100.0)
    rest = run_time(KNOWN, Schedule(steps=500))
    assert whole.seconds == pytest.approx(rest.seconds + 100)
    assert whole.interval_80[1] - whole.interval_80[0] == pytest.approx(rest.interval_80[1] - rest.interval_80[0])


def test_forecasts_that_were_off_before_get_a_wider_interval() -> None:
    narrow, wide = (run_time(KNOWN, Schedule(steps=500), scale=scale) for scale in (1.0, 2.0))
    assert wide.spread == pytest.approx(2 * narrow.spread, rel=0.1)


def test_early_stopping_is_named_where_it_makes_a_run_unsure() -> None:
    found = run_time(KNOWN, Schedule(steps=500, stops=Stops(probability=0.5, least=0.4)))
    assert found.contributors[0][0] == "early stopping"
    assert found.interval_80[0] < 45 < found.interval_80[1]


def test_steps_before_the_usual_ones_have_a_pace_of_their_own() -> None:
    known = Measured(once={}, pace=Pace(0.2), opening=Pace(0.1))
    assert run_time(known, Schedule(steps=100, opening_steps=20)).parts["steps"] == pytest.approx(18.0)


def test_the_same_forecast_is_made_twice_from_the_same_numbers() -> None:
    assert run_time(KNOWN, Schedule(steps=500)) == run_time(KNOWN, Schedule(steps=500))


def test_a_learning_curve_says_better_when_a_run_stops() -> None:
    found = run_time(KNOWN, Schedule(steps=500, stops=Stops(probability=0.9, least=0.2, shares=(0.2, 0.2, 0.2, 0.2, 1.0))))
    assert found.seconds == pytest.approx(6 + 0.2 * 50, rel=0.05)
    assert found.interval_80[1] > 50


@pytest.mark.parametrize("save_seconds", [0.0, 5e-324])
def test_there_are_not_more_checkpoints_than_steps(save_seconds: float) -> None:
    found = run_time(KNOWN, Schedule(steps=500, save_seconds=save_seconds))
    assert found.parts["checkpoints"] == pytest.approx(500 * KNOWN.checkpoint)


def test_a_time_budget_ends_a_run_whatever_its_steps_take() -> None:
    found = within(run_time(KNOWN, Schedule(steps=500)), 30.0)
    assert (found.seconds, found.interval_50[1], found.interval_80[1]) == (30.0, 30.0, 30.0)
    assert found.interval_80[0] < found.interval_50[0] < 30.0


@pytest.mark.parametrize("is_filled", [True, False])
def test_a_budget_shorter_than_what_comes_once_is_told_to_be_overrun(is_filled: bool) -> None:
    known = Measured({"starting": 20.0}, Pace(0.5, 1.0), first_evaluation=0.25, evaluation=0.25)
    found = within(run_time(known, Schedule(steps=500, evaluations=5), passed=3.0), 5.0, is_filled=is_filled)
    assert found.seconds == pytest.approx(3 + 20 + 1 + 0.5 + 0.25)
    assert 5.0 < found.interval_80[0] < found.interval_50[0] < found.seconds < found.interval_50[1] < found.interval_80[1]


def test_a_budget_that_is_not_filled_only_bounds_the_time() -> None:
    free = run_time(KNOWN, Schedule(steps=500))
    found = within(free, free.interval_50[1], is_filled=False)
    assert (found.seconds, found.interval_80[0]) == (free.seconds, free.interval_80[0])
    assert found.interval_80[1] == found.interval_50[1] == free.interval_50[1]


def test_forecasts_that_were_off_before_make_the_interval_wider() -> None:
    even, uneven = (run_time(KNOWN, Schedule(steps=500), scale=scale) for scale in (0.5, 3.0))
    assert uneven.spread > 3 * even.spread


@pytest.mark.parametrize("stops", [Stops(), Stops(0.8, 0.3), Stops(0.8, 0.3, (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0))])
@pytest.mark.parametrize("scale", [0.5, 2.0, 4.0])
def test_a_factor_makes_the_interval_as_many_times_as_wide_whatever_makes_it_unsure(stops: Stops, scale: float) -> None:
    usual, scaled = (run_time(KNOWN, Schedule(steps=500, stops=stops), scale=factor) for factor in (1.0, scale))
    assert scaled.spread == pytest.approx(scale * usual.spread)
    assert scaled.seconds == usual.seconds
    # By this the next outcome is measured, so that the factor comes to what it has to be.
    assert scaled.unscaled == usual.unscaled == pytest.approx(usual.spread)


def test_what_has_passed_is_certain_however_far_off_forecasts_were() -> None:
    found = run_time(KNOWN, Schedule(steps=500, stops=Stops(0.9, 0.0, (0.0, 0.0, 1.0))), scale=4.0, passed=100.0)
    assert 100.0 <= found.interval_80[0] < found.interval_50[1]


def test_on_a_processor_that_others_share_the_interval_is_wider() -> None:
    own, shared = (run_time(KNOWN, Schedule(steps=500), is_shared=is_shared) for is_shared in (False, True))
    assert shared.seconds == pytest.approx(own.seconds, rel=0.02)
    assert shared.interval_80[0] < own.interval_80[0] < own.interval_80[1] < shared.interval_80[1]
    assert shared.spread > 1.5 * own.spread
