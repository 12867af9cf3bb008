"""Metrics of generated samples: equal sets reach the best, what is dropped is missed, what is beside the data is seen."""

import numpy as np
import pytest

from tutelage.core import catalog
from tutelage.metric.gaussian_distance import frechet_distance
from tutelage.metric.neighbors import SampleOutcome

RANDOM = np.random.default_rng(0)


def value(kind: str, real: np.ndarray, generated: np.ndarray) -> float:
    found: float = catalog.load("metric", kind)().compute(SampleOutcome(real, generated, real))
    return found


def modes(count: int, *, each: int = 100, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.concatenate([10.0 * mode + random.standard_normal((each, 2)) for mode in range(count)])


@pytest.mark.parametrize(("kind", "least", "most"), [("coverage", 0.93, 1), ("precision", 0.93, 1), ("recall", 0.93, 1)])
def test_other_samples_of_the_same_reach_nearly_the_best(kind: str, least: float, most: float) -> None:
    assert least <= value(kind, modes(4), modes(4, seed=1)) <= most


def test_density_of_the_same_is_about_one() -> None:
    assert value("density", modes(4), modes(4, seed=1)) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("kind", ["coverage", "recall"])
def test_half_of_the_modes_cover_half(kind: str) -> None:
    assert value(kind, modes(4), modes(2, seed=1)) == pytest.approx(0.5, abs=0.06)
    assert value("precision", modes(4), modes(2, seed=1)) > 0.9


def test_samples_beside_the_data_are_not_precise() -> None:
    beside = np.concatenate([modes(2, seed=1), modes(2, seed=2) + np.array([0, 100.0])])
    assert value("precision", modes(2), beside) == pytest.approx(0.5, abs=0.06)


def test_the_frechet_distance_of_gaussians_is_that_of_the_formula() -> None:
    left, right = (
        RANDOM.standard_normal((200_000, 2)) * [1.0, 2.0],
        RANDOM.standard_normal((200_000, 2)) * [3.0, 2.0] + [4.0, 0.0],
    )
    # |m|^2 = 16, and for covariances that commute (s1 - s2)^2 = 4; the tolerance is that of so many samples.
    assert frechet_distance(left, right) == pytest.approx(20.0, rel=0.02)
    assert frechet_distance(left, left) == pytest.approx(0.0, abs=1e-9)


def test_the_floor_is_what_real_samples_reach() -> None:
    real, reference, generated = modes(2), modes(2, seed=1), modes(1, seed=2)
    outcome = SampleOutcome(real, generated, reference)
    floor = catalog.load("metric", "frechet_floor")().compute(outcome)
    assert floor == pytest.approx(frechet_distance(real, reference))
    assert catalog.load("metric", "frechet")().compute(outcome) > 10 * floor


def test_precision_and_coverage_as_one_number_punish_either() -> None:
    good = value("precision_coverage", modes(4), modes(4, seed=1))
    dropped = value("precision_coverage", modes(4), modes(2, seed=1))
    beside = value("precision_coverage", modes(4), np.concatenate([modes(4, seed=1), modes(4, seed=2) + np.array([0, 100.0])]))
    assert good > 0.93
    assert dropped == pytest.approx(1.25 * 0.5 / (0.25 + 0.5), abs=0.06)
    assert beside == pytest.approx(1.25 * 0.5 / (0.125 + 1), abs=0.06)


@pytest.mark.parametrize("kind", ["coverage", "precision_coverage", "precision", "recall"])
def test_rows_that_occur_many_times_are_covered_by_their_equals(kind: str) -> None:
    random = np.random.default_rng(0)
    real, generated = (1.7 * np.eye(4)[random.integers(4, size=(500, 2))].reshape(500, 8) + 0.3 for _ in range(2))
    assert value(kind, real, generated) == 1.0
    assert value(kind, real, generated + 0.01) == 0.0
