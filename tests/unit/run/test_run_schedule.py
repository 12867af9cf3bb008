"""A run's schedule follows from its plan; a learning curve says when it will stop."""

import json
from pathlib import Path

import pytest

from tutelage.planning.plan import Plan
from tutelage.planning.recipe import recipe_from
from tutelage.run.run_schedule import course_of, endings_of, points_of, rhythm_of, schedule_of, stops_of
from tutelage.run.start import Request, plan_training
from tutelage.training.control import Control


def plan(**wishes: object) -> Plan:
    return plan_training(Request(recipe_from({"source": "sklearn:iris", "budget": {"steps": 1000}, **wishes}, where="test")))[0]


def test_a_fixed_budget_never_stops_early() -> None:
    assert schedule_of(plan(stopping={"patience": 1}), 1000).stops.probability == 0


def test_what_is_done_is_not_done_again() -> None:
    whole, half = (schedule_of(plan(), 1000, done=done) for done in (0, 500))
    assert (whole.steps, half.steps) == (1000, 500)
    assert half.evaluations == pytest.approx(whole.evaluations / 2, abs=1)


def test_an_end_that_was_moved_leaves_the_rhythm_as_it_was_planned_at_first() -> None:
    decided, control = plan(stopping={"metric": "loss", "patience": 0.1}), Control(1000).begun().corrected(100, 700)
    rhythm = rhythm_of(decided, control)
    assert rhythm == course_of(decided, 1000)
    every = rhythm.eval_every
    assert schedule_of(decided, 700, rhythm=rhythm, done=500).evaluations == -(-700 // every) - 500 // every
    points = [(float(every * number), 0.5) for number in range(1, 100 // every + 1)]
    found = endings_of(decided, points, total=700, rhythm=rhythm)
    assert found is not None
    assert {float(step) for step in found.steps} <= {700.0, *map(float, range(0, 700, every))} | {
        step + rhythm.stopping.cooldown for step in map(float, range(0, 700, every))
    }


def test_a_training_that_is_cooling_ends_where_its_end_was_drawn_near() -> None:
    decided, control = plan(stopping={"metric": "loss", "patience": 0.1}), Control(1000).begun().cooling(700)
    rhythm = rhythm_of(decided, control)
    assert rhythm.eval_every == course_of(decided, 1000).eval_every
    assert schedule_of(decided, 700, rhythm=rhythm, done=500).stops.probability == 0
    assert endings_of(decided, [(20.0, 0.5), (40.0, 0.5)], total=700, rhythm=rhythm) is None
    # A target may still be reached.
    assert not rhythm_of(plan(until="loss=0.1"), control).stopping.is_fixed


def test_a_curve_that_has_long_been_flat_says_that_the_run_stops_soon(tmp_path: Path) -> None:
    decided = plan(stopping={"metric": "loss", "patience": 0.2, "cooldown": 0})
    values = [1.0, 0.5, 0.52, 0.51, 0.53, 0.5, 0.54, 0.51, 0.52, 0.53]
    lines = [{"step": 20 * (number + 1), "val/loss": value} for number, value in enumerate(values)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    points = points_of(decided, tmp_path, done=200)
    assert len(points) == len(values)
    stops = stops_of(endings_of(decided, points, total=1000), done=200)
    assert stops.probability > 0.5
    assert 0 < stops.least <= max(stops.shares) <= 1


@pytest.mark.parametrize("points", [[], [(10.0, float("nan"))], [(2000.0, 0.5)]])
def test_a_curve_that_says_nothing_tells_no_end(points: list[tuple[float, float]]) -> None:
    assert endings_of(plan(), points, total=1000) is None


def test_a_run_to_a_target_may_end_before_its_budget() -> None:
    decided = plan(until="accuracy=0.9", stopping={"patience": 1})
    assert schedule_of(decided, 1000).stops.probability > 0
    reached = endings_of(decided, [(20.0, 0.5), (40.0, 0.95)], total=1000)
    assert reached is not None
    assert set(reached.steps) == {40.0}


def test_a_score_that_was_no_number_tells_no_end_and_breaks_nothing(tmp_path: Path) -> None:
    decided = plan(until="loss=0.1")
    lines: list[dict[str, object]] = [{"step": 20, "val/loss": 1.0}, {"step": 40, "val/loss": None}]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    points = points_of(decided, tmp_path, done=100)
    assert [step for step, _ in points] == [20.0, 40.0]
    assert endings_of(decided, points, total=1000) is None


def test_lines_of_another_hand_are_no_points_of_a_curve(tmp_path: Path) -> None:
    lines: list[dict[str, object]] = [
        *({"step": step, "val/loss": 0.5} for step in (None, "7", [], True, -1, 10**60, {})),
        {"val/loss": 0.5},
        {"step": 30, "val/loss": 2.0},
        {"step": 10, "val/loss": 3.0},
        {"step": 30, "val/loss": 1.0},
    ]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert points_of(plan(until="loss=0.1"), tmp_path, done=100) == [(10.0, 3.0), (30.0, 1.0)]


@pytest.mark.parametrize("scores", [[1e300, -1e300, 1e300, 2.0], [1.7e308, 1.0], [1e101] * 5])
def test_scores_beyond_all_squares_tell_no_end(scores: list[float]) -> None:
    points = [(20.0 * (number + 1), score) for number, score in enumerate(scores)]
    assert endings_of(plan(until="loss=0.1"), points, total=1000) is None


@pytest.mark.parametrize("scores", [[5e-324] * 5, [1e-310, 0.0, 0.0, 0.0, 0.0], [1e100, -1e100, 1e100, 1e-100, 0.0], [0.0] * 4])
def test_scores_that_are_next_to_nothing_or_huge_tell_an_end(scores: list[float]) -> None:
    points = [(20.0 * (number + 1), score) for number, score in enumerate(scores)]
    found = endings_of(plan(until="loss=0.1"), points, total=1000)
    assert found is not None
    assert 0 <= stops_of(found, done=100).probability <= 1
