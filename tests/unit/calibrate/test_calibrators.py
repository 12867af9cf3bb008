"""Calibrators find what was planted, keep to their limits, and leave honest answers as they are."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from tutelage.calibrate import isotonic
from tutelage.calibrate.base import Calibrator
from tutelage.calibrate.beta import Beta
from tutelage.calibrate.isotonic import Isotonic
from tutelage.calibrate.matrix import Matrix
from tutelage.calibrate.platt import Platt
from tutelage.calibrate.quadratic import Quadratic
from tutelage.calibrate.temperature import Temperature
from tutelage.calibrate.top_label import TopLabel
from tutelage.calibrate.vector import Vector


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def drawn(honest: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Classes drawn by honest probabilities."""
    return np.asarray((honest.cumsum(axis=1) < random.random((len(honest), 1))).sum(axis=1).clip(max=honest.shape[1] - 1))


def pair(odds: np.ndarray) -> np.ndarray:
    """Probabilities of two classes by the log odds of the second."""
    second = 1 / (1 + np.exp(-odds))
    return np.stack([1 - second, second], axis=1)


@pytest.mark.parametrize("planted", [0.7, 2.5])
def test_a_planted_temperature_is_found_to_one_percent(planted: float) -> None:
    random = np.random.default_rng(0)
    logits = 2 * random.normal(size=(100_000, 5))
    # At so many rows the estimate's standard error is 0.3 %.
    found = Temperature.fit(softmax(planted * logits), drawn(softmax(logits), random))
    assert found.temperature == pytest.approx(planted, rel=0.01)


def test_a_model_that_never_errs_does_not_become_infinitely_sure() -> None:
    prediction = np.tile([0.9, 0.1], (50, 1))
    found = Temperature.fit(prediction, np.zeros(50, dtype=np.int64))
    # One wrong row of 52 is imagined in halves, about 1 % of all, and the prior holds the temperature near 1.
    assert 0.93 < found.apply(prediction)[0, 0] < 1 - 0.5 / 51


def test_platt_finds_a_planted_slope_and_bias() -> None:
    random = np.random.default_rng(1)
    odds = 2 * random.normal(size=50_000)
    target = (random.random(50_000) < 1 / (1 + np.exp(-(0.5 * odds - 0.8)))).astype(np.int64)
    found = Platt.fit(pair(odds), target)
    assert found.slope[0] == pytest.approx(0.5, abs=0.02)
    assert found.bias[0] == pytest.approx(-0.8, abs=0.04)


def test_beta_finds_a_planted_curve() -> None:
    random = np.random.default_rng(2)
    stated = random.uniform(0.01, 0.99, size=100_000)
    odds = 0.6 * np.log(stated) - 1.4 * np.log(1 - stated) + 0.3
    target = (random.random(100_000) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    found = Beta.fit(np.stack([1 - stated, stated], axis=1), target)
    np.testing.assert_allclose([found.power[0], found.power_rest[0], found.bias[0]], [0.6, 1.4, 0.3], atol=0.05)


def test_quadratic_finds_a_planted_bend_and_rises_everywhere() -> None:
    random = np.random.default_rng(3)
    odds = 2 * random.normal(size=50_000)
    target = (random.random(50_000) < 1 / (1 + np.exp(-(0.6 * odds + 0.1 * odds * np.abs(odds) + 0.2)))).astype(np.int64)
    found = Quadratic.fit(pair(odds), target)
    np.testing.assert_allclose(found.curve, [0.6, 0.1, 0.2], atol=0.05)
    second = found.apply(pair(np.linspace(-30, 30, 200)))[:, 1]
    assert (np.diff(second) >= 0).all()


def bent(prediction: np.ndarray, *, slope: float, square: float, bias: float, temperature: float) -> np.ndarray:
    """Probabilities [N, C] whose largest follows a curve of its log odds, and the others a temperature, row by row."""
    changed = np.empty_like(prediction)
    for row, own in enumerate(prediction):
        top = own.argmax()
        odds = np.log(own[top] / (own.sum() - own[top]))
        others = np.delete(own, top) ** (1 / temperature)
        share = others / others.sum()
        sure = 1 / (1 + np.exp(-(slope * odds + square * odds * abs(odds) + bias)))
        sure = max(sure, share.max() / (1 + share.max()))
        changed[row] = np.insert(share * (1 - sure), top, sure)
    return changed


def test_top_label_finds_a_planted_curve_and_keeps_the_order_of_classes() -> None:
    random = np.random.default_rng(6)
    prediction = softmax(2 * random.normal(size=(50_000, 4)))
    honest = bent(prediction, slope=0.7, square=-0.04, bias=0.3, temperature=1.6)
    found = TopLabel.fit(prediction, drawn(honest, random))
    np.testing.assert_allclose(found.apply(prediction), honest, atol=0.02)
    np.testing.assert_array_equal(found.apply(prediction).argsort(axis=1), prediction.argsort(axis=1))
    assert found.temperature == pytest.approx(1.6, abs=0.05)


def test_top_label_is_as_sure_in_the_mean_as_it_is_right() -> None:
    random = np.random.default_rng(8)
    logits = 2 * random.normal(size=(4_000, 10))
    # Two classes are taken for each other, which no temperature can say.
    target = drawn(softmax(logits), random)
    target = np.where((target < 2) & (random.random(4_000) < 0.3), 1 - target, target)
    prediction = softmax(1.5 * logits)
    right = (prediction.argmax(axis=1) == target).mean()
    top, one = (kind.fit(prediction, target).apply(prediction).max(axis=1).mean() for kind in (TopLabel, Temperature))
    assert top == pytest.approx(right, abs=1e-3)
    assert abs(one - right) > 3e-3


def test_a_surer_answer_never_becomes_less_sure() -> None:
    random = np.random.default_rng(7)
    prediction = softmax(2 * random.normal(size=(4_000, 3)))
    # Where it is the surest, the model knows nothing: the best curve would bend down.
    target = np.where(prediction.max(axis=1) > 0.9, random.integers(3, size=4_000), drawn(prediction, random))
    found = TopLabel.fit(prediction, target)
    wide = np.linspace(0, 12, 400)
    pairs = softmax(np.stack([wide, np.zeros(400), np.full(400, -50.0)], axis=1))
    assert (np.diff(found.apply(pairs)[:, 0]) >= -1e-6).all()


def test_top_label_holds_few_mistakes_near_one_temperature_and_none_at_it() -> None:
    random = np.random.default_rng(9)
    prediction = softmax(6 * random.normal(size=(600, 5)))
    never = TopLabel.fit(prediction, prediction.argmax(axis=1))
    assert never.temperature == pytest.approx(Temperature.fit(prediction, prediction.argmax(axis=1)).temperature)
    once = prediction.argmax(axis=1)
    once[0] = prediction[0].argsort()[-2]
    assert TopLabel.fit(prediction, once).temperature > never.temperature / 3


def test_vector_and_matrix_find_planted_scales_and_mixtures() -> None:
    random = np.random.default_rng(4)
    logits, mixture = 1.5 * random.normal(size=(40_000, 3)), np.array([[1.0, 0.4, 0], [0, 1.0, 0], [0, -0.3, 1.0]])
    logits -= logits.mean(axis=1, keepdims=True)
    scale, bias = np.array([0.6, 1.0, 1.4]), np.array([0.5, 0.0, -0.5])
    found = Vector.fit(softmax(logits), drawn(softmax(scale * logits + bias), random))
    np.testing.assert_allclose(found.apply(softmax(logits)), softmax(scale * logits + bias), atol=0.02)
    mixed = softmax(logits @ mixture.T + bias)
    held = Matrix.fit(softmax(logits), drawn(mixed, random))
    np.testing.assert_allclose(held.apply(softmax(logits)), mixed, atol=0.03)


def test_an_isotonic_curve_has_no_step_that_a_rounding_would_climb() -> None:
    random = np.random.default_rng(0)
    own = np.sort(random.uniform(size=4_000)) ** 2
    stated, honest = isotonic._curve(own, (random.uniform(size=4_000) < own).astype(np.float64))
    assert np.diff(stated).min() >= 1e-3
    assert np.abs(np.interp(own + 1e-6, stated, honest) - np.interp(own, stated, honest)).max() < 1e-3


def test_isotonic_pools_neighbors_as_by_hand() -> None:
    stated = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.8])
    target = np.array([0, 1, 0, 0, 1, 1])
    found = Isotonic.fit(np.stack([1 - stated, stated], axis=1), target)
    # The second row is higher than the next two: all three become their mean. Half a row holds 0 and 1 off.
    half = 0.5 / 7
    expected = [half, 1 / 3, 1 / 3, 1 / 3, 1 - half, 1 - half]
    np.testing.assert_allclose(found.apply(np.stack([1 - stated, stated], axis=1))[:, 1], expected, atol=1e-5)


@pytest.mark.parametrize("kind", [Platt, Beta, Quadratic])
def test_a_model_that_is_worse_than_guessing_is_not_turned_round(kind: type[Calibrator]) -> None:
    random = np.random.default_rng(0)
    odds = random.normal(size=2_000)
    target = (random.random(2_000) > 1 / (1 + np.exp(-2 * odds))).astype(np.int64)
    answers = kind.fit(pair(odds), target).apply(pair(odds))
    order = np.argsort(odds)
    assert (np.diff(answers[order, 1]) >= -1e-6).all()
    assert np.ptp(answers[:, 1]) < 0.05


@pytest.mark.parametrize("kind", [TopLabel, Platt, Beta, Isotonic, Vector, Matrix])
def test_rows_sum_to_one_for_many_classes_also_at_the_ends(kind: type[Calibrator]) -> None:
    random = np.random.default_rng(5)
    prediction = softmax(8 * random.normal(size=(2_000, 6)))
    found = kind.fit(prediction, drawn(prediction, random))
    sure = np.vstack([prediction, np.eye(6)])
    answers = found.apply(sure)
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)
    assert (answers >= 0).all()
    assert type(found).model_validate(found.model_dump(mode="json")) == found


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        (Temperature, {"temperature": 0}),
        (Temperature, {"temperature": 1e9}),
        (TopLabel, {"curve": [1.0, 0.0]}),
        (TopLabel, {"curve": [1.0, 0.0, 0.0], "most": -1.0}),
        (Vector, {"scale": [1.0], "bias": []}),
        (Vector, {"scale": [1e300], "bias": [0.0]}),
        (Matrix, {"weight": [1.0, 2.0], "bias": [0.0, 1.0]}),
        (Platt, {"slope": [1.0, 1.0], "bias": [0.0, 0.0]}),
        (Beta, {"power": [-1.0], "power_rest": [1.0], "bias": [0.0]}),
        (Isotonic, {"stated": [[0.5, 0.2]], "honest": [[0.1, 0.2]]}),
        (Isotonic, {"stated": [[0.2, 0.5]], "honest": [[0.3, 0.2]]}),
        (Quadratic, {"curve": [1.0]}),
    ],
)
def test_settings_that_no_fit_makes_are_refused(kind: type[Calibrator], record: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        kind.model_validate(record)


@pytest.mark.parametrize("kind", [Temperature, Platt, Beta, Isotonic, Quadratic])
def test_two_classes_are_traced_as_one_graph(kind: type[Calibrator]) -> None:
    random = np.random.default_rng(6)
    prediction = pair(2 * random.normal(size=500))
    found = kind.fit(prediction, drawn(prediction, random))
    rows = torch.from_numpy(prediction).float()
    exported = torch.export.export(found.module(), (rows,)).module()
    torch.testing.assert_close(exported(rows), found.module()(rows))
