"""How trainings end that may end early: drawn curves, and the rule that trainings obey."""

import numpy as np
import pytest

from tutelage.core.stopping import Stopping
from tutelage.foresight.curve import Curve
from tutelage.foresight.endings import Endings, foresee_endings, last_step, usual_endings
from tutelage.foresight.past import pasts

TOTAL, EVERY = 1_000, 20
STEPS = tuple(float(step) for step in range(10, 110, 10))
FALLING = Curve(STEPS, tuple(0.2 + 3.0 * step**-0.5 for step in STEPS), 0.0)
LOSS = Stopping(metric="val/loss")


def told(curve: Curve, rule: Stopping) -> Endings:
    return foresee_endings(curve, rule, total=TOTAL, every=EVERY)


def test_a_training_of_a_fixed_budget_has_no_endings() -> None:
    assert usual_endings(LOSS, total=TOTAL, every=EVERY) is None


def test_the_rule_ends_a_curve_where_a_training_would_end() -> None:
    steps, scores = np.arange(10.0, 110, 10), np.array([3, 2, 2.5, 2.5, 2.5, 1, 1, 1, 1, 1.0])
    assert last_step(scores, steps, LOSS.but(patience=30)) == (50.0, "patience")
    assert last_step(scores, steps, LOSS.but(until=1.5)) == (60.0, "target")
    assert last_step(scores, steps, LOSS.but(patience=50)) == (100.0, "budget")


def test_more_patience_means_a_later_end() -> None:
    middles = [
        np.mean(usual_endings(LOSS.but(patience=patience), total=TOTAL, every=EVERY).steps)  # type: ignore[union-attr]
        for patience in (100, 200, 400)
    ]
    assert middles == sorted(middles)
    assert middles[0] < middles[-1]


def test_a_harder_target_takes_longer_and_is_missed_more_often() -> None:
    easy, hard, absurd = (told(FALLING, LOSS.but(until=target)) for target in (0.45, 0.3, 1e-9))
    assert easy.never is not None
    assert hard.never is not None
    assert absurd.never is not None
    assert np.median(easy.steps) <= np.median(hard.steps)
    assert easy.never <= hard.never <= absurd.never
    # One in ten of such forecasts was wrong where others were made, and that is told.
    assert absurd.never > 0.85


@pytest.mark.parametrize("target", [0.6, 0.45, 0.3, 0.25])
def test_each_told_step_is_one_at_which_its_reason_ends_the_training(target: float) -> None:
    found = told(FALLING, LOSS.but(until=target, patience=200))
    ends = list(zip(found.steps, found.reasons, strict=True))
    assert all(step == TOTAL for step, reason in ends if reason == "budget")
    # Whatever ends before the last step has reached the target, or run out of patience.
    assert all(reason != "budget" for step, reason in ends if step < TOTAL)
    assert found.never is not None
    assert found.never >= np.mean([reason == "budget" for _, reason in ends])
    assert list(found.steps) == sorted(found.steps)


def test_a_target_that_was_reached_ends_the_training_there() -> None:
    found = told(FALLING, LOSS.but(until=0.7))
    assert (set(found.steps), found.never) == ({40.0}, 0.0)


def test_every_end_is_one_that_a_training_can_have() -> None:
    found = told(FALLING, LOSS.but(patience=200, until=0.3))
    assert set(found.steps) <= {*range(EVERY, TOTAL + 1, EVERY)}
    assert found.steps.min() > STEPS[-1]
    assert sum(found.share_of(reason) for reason in ("budget", "patience", "target")) == pytest.approx(1.0)


def test_the_same_beginning_is_told_the_same_end() -> None:
    rule = LOSS.but(patience=200)
    assert told(FALLING, rule).record() == told(FALLING, rule).record()


@pytest.mark.parametrize("values", [(20.0, 22.0, 60.0), (5.0, 5.0, 5.0)])
def test_returns_without_a_perfect_score_are_told_too(values: tuple[float, ...]) -> None:
    curve, rule = Curve((20.0, 40.0, 60.0), values, None), Stopping(greater_is_better=True, patience=200, until=500.0)
    found = told(curve, rule)
    assert found.never is not None
    assert 0 <= found.never <= 1


def test_a_training_that_is_over_has_one_end() -> None:
    curve = Curve((500.0, 750.0, 1000.0), (1.0, 0.75, 0.5), 0.0)
    assert set(told(curve, LOSS.but(patience=200)).steps) == {1000.0}


def test_the_record_says_all_in_steps() -> None:
    record = told(FALLING, LOSS.but(patience=200)).record()
    assert record["steps_80"][0] <= record["steps_50"][0] <= record["steps"] <= record["steps_50"][1] <= record["steps_80"][1]
    assert (record["most_steps"], record["never"]) == (TOTAL, None)
    assert "without a better score" in told(FALLING, LOSS.but(patience=100)).say()


def test_other_trainings_were_measured_with_both_scales() -> None:
    assert {past.is_log for past in pasts()} == {True, False}
    assert len(pasts()) >= 40


def test_an_interval_of_what_often_ends_at_its_last_step_holds_no_more_than_it_says() -> None:
    steps = np.array([*range(10, 50), *[100.0] * 160])
    endings = Endings(steps, ("budget",) * 200, 100)
    assert endings.interval(0.8) == (100, 100)
    assert endings.interval(0.5) == (100, 100)
    assert endings.interval(0.9) == (30, 100)
    # A target may be reached at any time: as much is left out on both sides.
    assert Endings(steps, ("budget",) * 200, 100, has_target=True).interval(0.8) == (30, 100)


def test_an_interval_is_the_narrowest_by_its_factor() -> None:
    steps = np.array([1.0, 2, 40, 41, 42, 43, 44, 45, 46, 47])
    endings = Endings(steps, ("patience",) * 10, 100)
    assert endings.interval(0.8) == (40, 47)
    low, high = endings.interval(0.5)
    assert 40 <= low <= np.median(steps) <= high <= 47
