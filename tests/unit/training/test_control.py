"""Early stopping as a pure reducer."""

import math

import pytest

from tutelage.core.errors import RecipeError
from tutelage.core.stopping import Stopping
from tutelage.training.control import Control, control_from, judge

STOPPING = Stopping(metric="val/loss", greater_is_better=False, patience=30)


def walk(scores: list[float], stopping: Stopping = STOPPING) -> tuple[Control, list[bool]]:
    control, bests = Control(1000), []
    for number, score in enumerate(scores, start=1):
        control, is_best = judge(control, {"val/loss": score}, step=10 * number, stopping=stopping)
        bests.append(is_best)
    return control, bests


def test_the_best_score_and_its_step_are_kept() -> None:
    control, bests = walk([3.0, 1.0, 2.0])
    assert (control.best_score, control.best_step, bests) == (1.0, 20, [True, True, False])


def test_training_stops_when_patience_is_used_up_and_not_a_step_before() -> None:
    assert walk([1.0, 2.0, 2.0])[0].stop_reason == ""
    assert walk([1.0, 2.0, 2.0, 2.0])[0].stop_reason == "patience"


def test_a_gain_below_the_smallest_that_counts_is_best_but_does_not_renew_patience() -> None:
    stopping = STOPPING.but(min_delta=0.5)
    control, bests = walk([1.0, 0.9, 0.8, 0.7], stopping)
    assert bests == [True, True, True, True]
    assert control.stop_reason == "patience"


def test_small_gains_count_once_they_are_large_together() -> None:
    control, _ = walk([1.0, 0.9, 0.8, 0.7, 0.6, 0.5], STOPPING.but(min_delta=0.25, patience=40))
    assert (control.stop_reason, control.patient_since) == ("", 40)


def test_a_gain_below_half_the_standard_error_of_the_score_does_not_count() -> None:
    # A mean loss of 1 over 100 rows has a standard error of 0.1.
    noisy = STOPPING.but(noise_rows=100)
    assert walk([1.0, 0.96, 0.96, 0.96], noisy)[0].stop_reason == "patience"
    assert walk([1.0, 0.94, 0.94, 0.94], noisy)[0].stop_reason == ""
    assert walk([1.0, 0.96, 0.96, 0.96], noisy.but(noise_rows=400))[0].stop_reason == ""


def test_patience_that_has_run_out_draws_the_end_near_once() -> None:
    cooling = STOPPING.but(cooldown=100)
    control, _ = walk([1.0, 2.0, 2.0, 2.0, 2.0], cooling)
    assert (control.stop_reason, control.is_cooling, control.total_steps) == ("", True, 140)
    assert control.ended().stop_reason == "patience"
    assert control_from(control.state()) == control


def test_an_end_that_is_near_anyway_is_the_budgets() -> None:
    control, _ = walk([1.0, 2.0, 2.0, 2.0, 2.0], STOPPING.but(cooldown=960))
    assert (control.is_cooling, control.total_steps) == (False, 1000)
    assert control.ended().stop_reason == "budget"


def test_a_score_that_is_not_a_number_is_never_best() -> None:
    control, bests = walk([math.nan, 5.0, math.nan])
    assert (control.best_score, bests) == (5.0, [False, True, False])


def test_patience_zero_never_stops() -> None:
    assert walk([1.0] + [2.0] * 50, STOPPING.but(patience=0))[0].stop_reason == ""


def test_a_greater_score_is_better_where_it_should_be() -> None:
    control, _ = walk([0.5, 0.9, 0.7], STOPPING.but(greater_is_better=True))
    assert control.best_score == 0.9


def test_the_state_round_trips() -> None:
    control = walk([3.0, 1.0])[0].corrected(20, 900)
    assert control_from(control.state()) == control


def test_a_metric_that_is_not_measured_is_named() -> None:
    with pytest.raises(RecipeError, match=r"val/f1.*val/loss"):
        judge(Control(10), {"val/loss": 1.0}, step=1, stopping=STOPPING.but(metric="val/f1"))


@pytest.mark.parametrize(("greater", "scores"), [(False, [3.0, 1.2, 0.9]), (True, [0.5, 0.99, 1.0])])
def test_training_stops_at_the_first_score_that_is_good_enough(greater: bool, scores: list[float]) -> None:
    stopping = STOPPING.but(greater_is_better=greater, until=1.0)
    assert walk(scores[:2], stopping)[0].stop_reason == ""
    control, bests = walk(scores, stopping)
    assert (control.stop_reason, control.best_score, bests[-1]) == ("target", scores[-1], True)


def test_a_score_that_is_not_a_number_reaches_nothing() -> None:
    assert walk([math.nan, math.inf], STOPPING.but(greater_is_better=True, until=1.0))[0].stop_reason == ""
