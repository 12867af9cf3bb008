"""The choice among calibrators never hurts, and finds what helps."""

import numpy as np
import pytest

from tutelage.calibrate.base import Calibrator
from tutelage.calibrate.beta import Beta
from tutelage.calibrate.choose import choose_calibrator, log_losses
from tutelage.calibrate.isotonic import Isotonic
from tutelage.calibrate.matrix import Matrix
from tutelage.calibrate.platt import Platt
from tutelage.calibrate.temperature import Temperature
from tutelage.calibrate.top_label import TopLabel
from tutelage.calibrate.vector import Vector

KINDS: tuple[type[Calibrator], ...] = (Temperature, TopLabel, Vector)


def rows(
    num_rows: int, *, factor: float, bias: float = 0.0, num_classes: int = 4, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities whose logits are too large by a factor, with a bias by class, beside classes drawn from honest ones."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(num_rows, num_classes))
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    stated = np.exp(factor * logits + bias * np.arange(num_classes))
    target = (honest.cumsum(axis=1) < random.random((num_rows, 1))).sum(axis=1).clip(max=num_classes - 1)
    return stated / stated.sum(axis=1, keepdims=True), target


def test_a_model_that_is_too_sure_is_made_less_sure_and_decides_as_before() -> None:
    prediction, target = rows(3_000, factor=2.0)
    chosen = choose_calibrator(prediction, target, KINDS, seed=0)
    assert chosen.calibrator is not None
    assert chosen.calibrator.keeps_decisions
    assert chosen.losses[chosen.calibrator.kind] < chosen.losses[""] - 0.1


def test_a_model_that_prefers_a_class_gets_more_than_a_temperature() -> None:
    chosen = choose_calibrator(*rows(3_000, factor=1.0, bias=0.7), KINDS, seed=0)
    assert isinstance(chosen.calibrator, Vector)


def test_a_model_whose_sure_answers_err_otherwise_gets_a_curve_for_them() -> None:
    honest, target = rows(3_000, factor=1.0)
    above = np.sort(honest, axis=1)[:, ::-1]
    margin = np.log(above[:, 0] / above[:, 1])
    stated = honest ** np.exp(0.8 - 0.5 * margin)[:, None]
    chosen = choose_calibrator(stated / stated.sum(axis=1, keepdims=True), target, KINDS, seed=0)
    assert isinstance(chosen.calibrator, TopLabel)


def test_of_several_classes_what_changes_decisions_has_to_get_clearly_more_right() -> None:
    prediction, target = rows(3_000, factor=1.0, bias=0.05)
    found = Vector.fit(prediction, target).apply(prediction)
    assert log_losses(found, target).mean() < log_losses(prediction, target).mean()
    chosen = choose_calibrator(prediction, target, (Vector,), seed=0)
    gained = (chosen.answers.argmax(axis=1) == target).sum() - (prediction.argmax(axis=1) == target).sum()
    assert (chosen.calibrator is None, gained) == (True, 0)


def test_the_reason_says_why_a_smaller_loss_was_not_taken() -> None:
    prediction, target = rows(3_000, factor=2.0, bias=0.3)
    chosen = choose_calibrator(prediction, target, KINDS, seed=0)
    assert chosen.calibrator is not None
    assert chosen.calibrator.keeps_decisions
    assert chosen.losses["vector"] < chosen.losses[chosen.calibrator.kind]
    assert "vector is not clearly better, or gets fewer rows right" in chosen.reason


def test_the_reason_names_what_was_tried() -> None:
    prediction, target = rows(3_000, factor=2.0)
    alone = choose_calibrator(prediction, target, (Temperature,), seed=0)
    assert alone.reason.endswith("on rows that it was not fitted to; the only one that is tried")
    prediction, target = rows(3_000, factor=2.0, bias=1.0)
    several = choose_calibrator(prediction, target, (Temperature, Vector), seed=0)
    assert several.reason == "vector: the smallest log loss on rows that it was not fitted to, of temperature, vector"
    assert choose_calibrator(prediction, target, (), seed=0).reason == "left as it is: no calibrator is asked for"


def test_of_few_rows_one_temperature_is_taken_where_it_is_better_at_all() -> None:
    taken = [choose_calibrator(*rows(200, factor=1.5, seed=seed), (Temperature,), seed=0) for seed in range(7)]
    assert all(isinstance(chosen.calibrator, Temperature) for chosen in taken)
    # Two standard errors would have been asked of others, and of more rows.
    gains = [chosen.losses[""] - chosen.losses["temperature"] for chosen in taken]
    assert min(gains) < 0.01
    others = [choose_calibrator(*rows(200, factor=1.5, seed=seed), (Vector,), seed=0) for seed in range(7)]
    assert all(chosen.calibrator is None for chosen in others)


def test_over_many_honest_models_nothing_is_lost() -> None:
    """The mean change of the loss on new rows, over 60 honest models, is no worse than two standard errors above 0."""
    lost = []
    for seed in range(60):
        chosen = choose_calibrator(*rows(300, factor=1.0, seed=seed), KINDS, seed=seed)
        prediction, target = rows(4_000, factor=1.0, seed=1_000 + seed)
        after = prediction if chosen.calibrator is None else chosen.calibrator.apply(prediction)
        lost.append(float((log_losses(after, target) - log_losses(prediction, target)).mean()))
    assert np.mean(lost) < 0.002
    # Most are left as they are; of these nothing changes at all.
    assert np.mean(np.array(lost) == 0) > 0.7


def test_the_choice_is_the_same_each_time() -> None:
    prediction, target = rows(1_200, factor=1.4)
    first, second = (choose_calibrator(prediction, target, KINDS, seed=7) for _ in range(2))
    assert first.calibrator == second.calibrator
    np.testing.assert_array_equal(first.answers, second.answers)


def test_what_is_asked_for_is_taken_whatever_the_numbers_say() -> None:
    chosen = choose_calibrator(*rows(40, factor=1.0), (Vector,), seed=0, is_asked=True)
    assert isinstance(chosen.calibrator, Vector)


@pytest.mark.parametrize("kinds", [(), KINDS])
def test_few_rows_and_broken_answers_are_left_as_they_are(kinds: tuple[type[Calibrator], ...]) -> None:
    few = choose_calibrator(*rows(20, factor=3.0), kinds, seed=0)
    prediction, target = rows(200, factor=3.0)
    prediction[3] = np.nan
    broken = choose_calibrator(prediction, target, kinds, seed=0)
    assert few.calibrator is None
    assert broken.calibrator is None
    assert "not finite" in broken.reason


def test_candidates_suit_rows_and_classes() -> None:
    assert not Isotonic.suits(num_rows=9_999, num_classes=2)
    assert Isotonic.suits(num_rows=10_000, num_classes=2)
    assert Platt.suits(num_rows=1_000, num_classes=2)
    assert not Platt.suits(num_rows=1_000, num_classes=3)
    assert not Beta.suits(num_rows=100, num_classes=2)
    assert not TopLabel.suits(num_rows=999, num_classes=3)
    assert not TopLabel.suits(num_rows=50_000, num_classes=2)
    assert TopLabel.suits(num_rows=1_000, num_classes=3)
    assert not Vector.suits(num_rows=999, num_classes=3)
    assert not Matrix.suits(num_rows=50_000, num_classes=101)
    assert Matrix.suits(num_rows=5_000, num_classes=10)
