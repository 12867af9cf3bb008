"""What tallies keep: sums that lose no digits over many batches, and columns in as few bytes as hold them."""

import math

import numpy as np
import pytest

from tutelage.core import catalog
from tutelage.metric.auroc import Auroc
from tutelage.metric.base import Outcome
from tutelage.metric.coverage import Coverage
from tutelage.metric.density import Density
from tutelage.metric.episodes import EpisodeOutcome
from tutelage.metric.nats_per_character import NatsPerCharacter
from tutelage.metric.neighbors import SampleOutcome
from tutelage.metric.r2 import R2
from tutelage.metric.tally import narrow
from tutelage.metric.token_outcome import TokenOutcome


def test_r2_keeps_its_digits_far_from_zero_over_many_batches() -> None:
    random = np.random.default_rng(0)
    target = 1e8 + random.standard_normal(20_000)
    prediction = target + 0.3 * random.standard_normal(20_000)
    tally = R2().tally()
    for start in range(0, 20_000, 50):
        tally.add(Outcome(prediction[start : start + 50], target[start : start + 50]))
    exact = 1 - ((prediction - target) ** 2).sum() / ((target - 1e8 - (target - 1e8).mean()) ** 2).sum()
    # Targets of 1e8 have themselves only 8 digits behind the point.
    assert tally.value() == pytest.approx(exact, rel=1e-9)


def test_r2_of_batches_with_different_means() -> None:
    target = np.array([0.0, 0.0, 0.0, 10.0, 10.0])
    prediction = target + np.array([1.0, -1.0, 0.0, 1.0, -1.0])
    tally = R2().tally()
    tally.add(Outcome(prediction[:3], target[:3]))
    assert math.isnan(tally.value())
    tally.add(Outcome(prediction[3:], target[3:]))
    assert tally.value() == pytest.approx(1 - 4 / 120, rel=1e-12)


@pytest.mark.parametrize("level", [0.1, 1e8 / 3, -7e-5, 0.0])
def test_a_flat_target_has_no_r2_in_any_cut(level: float) -> None:
    tally, random = R2().tally(), np.random.default_rng(0)
    for size in (1, 3, 512, 7, 100):
        tally.add(Outcome(random.standard_normal(size), np.full(size, level), random.random(size)))
    assert math.isnan(tally.value())


def test_ranking_keeps_six_bytes_a_row_for_two_classes() -> None:
    random = np.random.default_rng(0)
    score = random.random(1000).astype(np.float32).astype(np.float64)
    tally = Auroc().tally()
    tally.add(Outcome(np.stack([1 - score, score], axis=1), random.integers(2, size=1000)))
    assert sum(array.nbytes for array in tally.state().values()) == 6_000


def test_ranking_takes_answers_of_zero_and_one() -> None:
    target = np.array([0, 1, 1, 0])
    prediction = np.eye(2)[[0, 1, 0, 0]]
    tally = Auroc().tally()
    tally.add(Outcome(prediction, target))
    assert tally.value() == Auroc().compute(Outcome(prediction, target)) == 0.75


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([0.0, 1.0, 255.0], np.uint8),
        ([0, 7], np.uint8),
        ([True, False], np.uint8),
        ([0.5, -3.0], np.float32),
        ([256, 3], np.float32),
        ([0.1], np.float64),
        ([math.nan, 1.0], np.float64),
        ([1e300], np.float64),
        ([2**40 + 1], np.int64),
        ([-1], np.float32),
    ],
)
def test_a_column_is_narrowed_only_where_nothing_is_lost(values: list[float], dtype: type) -> None:
    column = np.array(values)
    assert narrow(column).dtype == dtype
    assert np.array_equal(narrow(column), column, equal_nan=column.dtype.kind == "f")


def test_nats_per_character_by_hand() -> None:
    likelihood = np.log(np.array([0.5, 0.25]))
    assert NatsPerCharacter().compute(TokenOutcome(likelihood)) == pytest.approx(1.5 * math.log(2))


def test_mean_return_by_hand() -> None:
    assert catalog.load("metric", "return")().compute(EpisodeOutcome(np.array([3.0, 5.0, 10.0]), np.array([1, 2, 3]))) == 6.0


def test_coverage_and_density_by_hand() -> None:
    # Of real 0, 1, 2, 10 the nearest others are 1, 1, 1, 8 away; made 0.5 lies near 0 and 1, made 3 near 10 alone.
    outcome = SampleOutcome(np.array([[0.0], [1.0], [2.0], [10.0]]), np.array([[0.5], [3.0]]), np.empty((0, 1)))
    assert Coverage(neighbors=1).compute(outcome) == 0.75
    assert Density(neighbors=1).compute(outcome) == 1.5
    assert math.isnan(Coverage(neighbors=4).compute(outcome))


@pytest.mark.parametrize("kind", ["precision", "recall"])
def test_a_metric_of_rows_computes_what_its_tally_takes_beside_them(kind: str) -> None:
    metric, outcome = catalog.load("metric", kind)(), Density.examples(0)
    tally = metric.tally()
    tally.add(outcome)
    assert 0 < metric.compute(outcome) == tally.value() < 1
    assert "compute" not in vars(type(metric)), "that it may be given samples is known in one place"


def test_the_loss_of_tokens_is_computed_too() -> None:
    loss = catalog.load("metric", "loss")()
    assert loss.compute(TokenOutcome(np.log([0.25, 0.5]))) == pytest.approx(1.5 * np.log(2))
