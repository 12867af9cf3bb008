"""A score is better than a guess where its interval says so, and nowhere else."""

import math
from dataclasses import replace

import pytest

from tutelage.core import catalog
from tutelage.diagnosis.base import find_reasons
from tutelage.diagnosis.facts import Curve, Facts, Layer
from tutelage.diagnosis.rate_too_small import RateTooSmall
from tutelage.diagnosis.verdict import compare, find_signal, gain, is_good_anyway, judge_run

GREATER = {"accuracy": True, "loss": False, "r2": True, "return": True}


def judged(value: float, low: float, high: float, guess: float, *, name: str = "test/accuracy") -> str:
    return judge_run({name: value}, {name: (low, high)}, {name: guess}, headline=name, greater=GREATER)


def test_a_score_is_judged_by_its_interval() -> None:
    assert judged(0.9, 0.8, 0.95, 0.33) == "better"
    assert judged(0.43, 0.27, 0.61, 0.33) == "no better", "by luck, on 30 rows"
    assert judged(0.2, 0.1, 0.3, 0.33) == "no better"
    assert judged(0.9, 0.8, 1.1, 1.0, name="test/loss") == "no better"
    assert judged(0.9, 0.8, 0.95, 1.0, name="test/loss") == "better"
    assert judged(0.3, -0.1, 0.5, 0.0, name="test/r2") == "no better"


def test_a_trifle_is_nothing_however_narrow_its_interval() -> None:
    assert judged(1.0980, 1.0978, 1.0982, 1.0986, name="test/loss") == "no better"


def test_without_an_interval_the_score_itself_counts() -> None:
    names = {"test/accuracy": 0.9}
    assert judge_run(names, {}, {"test/accuracy": 0.5}, headline="test/accuracy", greater=GREATER) == "better"


@pytest.mark.parametrize("guess", [{}, {"test/accuracy": math.nan}])
def test_without_a_guess_nothing_is_said(guess: dict[str, float]) -> None:
    assert judge_run({"test/accuracy": 0.9}, {}, guess, headline="test/accuracy", greater=GREATER) == "unknown"
    assert judge_run({}, {}, {"test/accuracy": 0.9}, headline="test/accuracy", greater=GREATER) == "unknown"


def test_another_metric_of_the_same_part_makes_a_run_partly_better() -> None:
    metrics, guess = {"test/accuracy": 0.95, "test/loss": 0.1}, {"test/accuracy": 0.95, "test/loss": 0.2}
    intervals = {"test/accuracy": (0.94, 0.96), "test/loss": (0.08, 0.12)}
    assert judge_run(metrics, intervals, guess, headline="test/accuracy", greater=GREATER) == "partly better"
    on_val = {"test/accuracy": 0.95, "val/loss": 0.1}
    assert (
        judge_run(on_val, {}, {"test/accuracy": 0.95, "val/loss": 0.2}, headline="test/accuracy", greater=GREATER) == "no better"
    )


def test_a_gain_is_the_part_of_the_way_to_perfection() -> None:
    assert gain(0.5, 1.0, greater_is_better=False) == pytest.approx(0.5)
    assert gain(0.75, 0.5, greater_is_better=True) == pytest.approx(0.5)
    assert gain(30.0, 20.0, greater_is_better=True) == pytest.approx(0.5)
    assert gain(-50.0, -100.0, greater_is_better=True) > 0
    assert gain(0.4, 0.5, greater_is_better=True) < 0


def test_an_evaluation_on_few_rows_needs_a_clearer_gain() -> None:
    found = {"val/loss": 0.95}
    assert compare(found, {"val/loss": 1.0}, greater=GREATER, count=24) == "no better"
    assert compare(found, {"val/loss": 1.0}, greater=GREATER, count=10_000) == "better"
    assert compare(found, {"val/accuracy": 1.0}, greater=GREATER, count=24) == "unknown"


def test_weights_that_never_moved_are_told_as_such_with_a_usual_rate() -> None:
    still, slow = (
        RateTooSmall().find(Facts(steps=500, layers=(Layer("w", 64, moved=moved),), rate=1e-30)) for moved in (0.0, 1e-3)
    )
    assert still is not None
    assert slow is not None
    assert "no weight moved at all" in still.found
    assert "of a usual size, 0.001 to 0.1 (it was 1.0e-30)" in still.remedy
    assert "no weight moved by more than 1.0e-03 of its size" in slow.found
    assert "ten to a hundred times larger" in slow.remedy


def test_a_curve_is_told_by_its_ends() -> None:
    curve = Curve(tuple(range(10)), (2.0, 2.0, *[5.0] * 6, 1.0, 1.0))
    assert (curve.start, curve.end, curve.highest, curve.fallen) == (2.0, 1.0, 5.0, 0.5)


def test_the_place_of_the_best_evaluation() -> None:
    scores = Curve((1, 2, 3), (0.5, 0.9, 0.7))
    assert Facts(steps=3, scores=scores).best_place == 0.5
    assert Facts(steps=3, scores=scores, greater_is_better=False).best_place == 0.0
    assert Facts(steps=3).best_place == 1.0


def test_any_metric_of_a_part_shows_that_something_was_learned() -> None:
    greater, guess = {**GREATER, "auroc": True}, {"val/accuracy": 0.6, "val/auroc": 0.5}
    intervals = {"val/accuracy": (0.5, 0.7), "val/auroc": (0.8, 1.0)}
    found = find_signal({"val/accuracy": 0.6, "val/auroc": 1.0}, intervals, guess, part="val", greater=greater)
    assert found == "val/auroc 1, a guess 0.5"
    assert not find_signal({"val/auroc": 1.0}, intervals, guess, part="train", greater=greater)
    assert not find_signal({"val/auroc": 1.0}, {"val/auroc": (0.4, 1.0)}, guess, part="val", greater=greater), "by luck"
    assert not find_signal({"val/auroc": 0.7}, {"val/auroc": (0.6, 0.9)}, guess, part="val", greater=greater), (
        "it was chosen by it"
    )


@pytest.mark.parametrize("cause", ["no_signal", "learned_by_heart", "one_answer"])
def test_a_training_of_a_few_steps_says_nothing_of_the_data(cause: str) -> None:
    facts, _ = catalog.load("cause", cause).examples()
    assert [reason.cause for reason in find_reasons(facts)] == [cause]
    assert [reason.cause for reason in find_reasons(replace(facts, steps=6, epochs=6.0))] == ["too_few_steps"]


def test_features_are_not_blamed_where_a_validation_score_is_better_than_a_guess() -> None:
    facts, _ = catalog.load("cause", "no_signal").examples()
    assert find_reasons(replace(facts, signal="val/auroc 1, a guess 0.5")) == []


def test_a_perfect_score_beside_a_perfect_guess_is_not_no_better() -> None:
    greater = {"mse": False, "accuracy": True}
    for value, found in ((0.0, "unknown"), (1e-9, "unknown"), (0.1, "no better")):
        assert judge_run({"test/mse": value}, {}, {"test/mse": 0.0}, headline="test/mse", greater=greater) == found
        assert compare({"val/mse": value}, {"val/mse": 0.0}, greater=greater, count=100) == found
    assert judge_run({"test/mse": 0.0}, {}, {"test/mse": 0.5}, headline="test/mse", greater=greater) == "better"
    assert judge_run({"test/accuracy": 1.0}, {}, {"test/accuracy": 1.0}, headline="test/accuracy", greater=greater) == "no better"


def good(coverage: float, *, precision: float = 0.95, frechet: float = 0.3, hoped: dict[str, float] | None = None) -> bool:
    """Tell whether a generator beside a Gaussian that is good itself counts as good."""
    metrics = {"test/coverage": coverage, "test/precision": precision, "test/frechet": frechet}
    intervals = {name: (value - 0.02, value + 0.02) for name, value in metrics.items()}
    guess = {"test/coverage": 0.93, "test/precision": 0.95, "test/frechet": 0.3}
    best = {"test/coverage": 0.97, "test/precision": 0.98} if hoped is None else hoped
    greater = {"coverage": True, "precision": True, "frechet": False}
    return is_good_anyway(metrics, intervals, guess, hoped=best, greater=greater)


def test_what_is_near_the_best_is_good_though_a_guess_is_better() -> None:
    assert good(0.88, frechet=0.5)
    assert not good(0.6)
    assert not good(0.88, precision=0.3)
    assert not good(0.88, hoped={})
    assert not good(0.88, hoped={"test/coverage": 0.97, "test/density": 1.0})


def test_halfway_to_the_best_is_good_where_a_guess_is_in_nothing_clearly_better() -> None:
    low = {"test/coverage": 1.5, "test/precision": 1.5}
    assert good(0.92, hoped=low)
    assert not good(0.85, hoped=low)
    assert not good(0.92, frechet=0.5, hoped=low)
    assert not good(0.92, hoped={"test/coverage": 2.5})
