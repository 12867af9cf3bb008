"""Errors of calibration: honest models have none on average, bands hold what they say, and the smooth one equals its source."""

import numpy as np
import pytest

from tutelage.metric.base import Outcome
from tutelage.metric.calibration_error import CalibrationError
from tutelage.metric.classwise_ece import ClasswiseError
from tutelage.metric.ece import DebiasedError
from tutelage.metric.interval import interval
from tutelage.metric.reliability import equal_bins, top_label
from tutelage.metric.smooth_ece import SmoothError
from tutelage.metric.weighted import WeightedMetric


def sampler(
    num_rows: int, *, random: np.random.Generator, spread: float = 2.0, factor: float = 1.0
) -> tuple[Outcome, np.ndarray]:
    """What a model states whose logits are too large by a factor, with classes drawn by honest probabilities, and these."""
    logits = spread * random.normal(size=(num_rows, 5))
    honest, stated = (np.exp(scale * logits - (scale * logits).max(axis=1, keepdims=True)) for scale in (1.0, factor))
    honest, stated = (each / each.sum(axis=1, keepdims=True) for each in (honest, stated))
    target = (honest.cumsum(axis=1) < random.random((num_rows, 1))).sum(axis=1).clip(max=4)
    return Outcome(stated, target), honest


@pytest.mark.parametrize("spread", [2.0, 8.0])
def test_the_debiased_error_of_an_honest_model_has_mean_0_and_the_plain_one_not(spread: float) -> None:
    random = np.random.default_rng(0)
    outcomes = [sampler(400, random=random, spread=spread)[0] for _ in range(500)]
    for metric in (DebiasedError(), ClasswiseError()):
        values = np.array([metric.evaluate(outcome, np.ones((1, 400)))[0] for outcome in outcomes])
        # Two standard errors, and 0.05 % for bins whose rows are not alike, where the number of hits is not quite binomial.
        assert abs(values.mean()) < 2 * values.std() / np.sqrt(500) + 5e-4
    assert np.mean([CalibrationError().compute(outcome) for outcome in outcomes]) > 0.01


@pytest.mark.parametrize("metric", [DebiasedError(), ClasswiseError()])
def test_an_error_below_0_is_told_as_0(metric: WeightedMetric) -> None:
    random = np.random.default_rng(4)
    outcome = next(
        found for _ in range(50) if metric.evaluate((found := sampler(200, random=random)[0]), np.ones((1, 200)))[0] < -0.002
    )
    tally = metric.tally()
    tally.add(outcome)
    assert metric.compute(outcome) == tally.value() == 0
    assert np.isnan(metric.tally().value())


def test_of_a_model_that_is_clearly_too_sure_nothing_is_taken_off() -> None:
    outcome, honest = sampler(20_000, random=np.random.default_rng(1), factor=2.0)
    chosen = outcome.prediction.argmax(axis=1)[:, None]
    gap = np.take_along_axis(outcome.prediction, chosen, axis=1) - np.take_along_axis(honest, chosen, axis=1)
    assert DebiasedError().compute(outcome) == pytest.approx(float(gap.mean()), abs=0.012)


def test_bands_of_a_reliability_diagram_cover_95_percent_in_500_simulations() -> None:
    random, inside = np.random.default_rng(2), []
    for _ in range(500):
        outcome, honest = sampler(1_000, random=random, factor=1.5)
        confidence, hit = top_label(outcome)
        true = np.take_along_axis(honest, outcome.prediction.argmax(axis=1)[:, None], axis=1)[:, 0]
        bins = equal_bins(confidence, hit, np.ones((1, 1_000)))
        low, high = bins.band()
        expected = equal_bins(confidence, true, np.ones((1, 1_000))).accuracy
        inside.append((low <= expected) & (expected <= high))
    assert np.mean(inside) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(("factor", "true"), [(1.0, 0.0), (1.15, 0.0364)])
def test_the_interval_of_the_debiased_error_holds_the_true_one(factor: float, true: float) -> None:
    random, metric, inside = np.random.default_rng(3), DebiasedError(), 0
    for seed in range(50):
        low, high = interval(metric, sampler(1_000, random=random, factor=factor)[0], seed=seed)
        assert 0 <= low <= high
        inside += low <= true <= high
    # 50 simulations tell a coverage of 95 % to 3.1 points: three standard errors.
    assert inside / 50 >= 0.86


def test_the_smooth_error_equals_that_of_the_authors_package() -> None:
    confidence, hit = np.linspace(0.5, 1, 41), (np.arange(41) % 3 > 0).astype(float)
    # relplot 1.0, smECE(confidence, hit)
    assert SmoothError().measure(confidence, hit, np.ones((1, 41)))[0] == pytest.approx(0.1133916690808264, abs=1e-6)


def test_bins_hold_equally_many_rows_and_keep_equal_confidences_together() -> None:
    bins = equal_bins(np.array([0.1, 0.2, 0.3, 0.4, 0.4, 0.4, 0.4, 0.9]), np.zeros(8), np.ones((1, 8)), num_bins=4)
    assert bins.weight.tolist() == [[2, 5, 0, 1]]
    assert bins.confidence[0, 0] == pytest.approx(0.15)
