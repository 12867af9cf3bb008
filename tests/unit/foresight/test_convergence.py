"""A learning curve is extrapolated from its beginning: when it reaches a target, and when patience ends the training."""

import math

import numpy as np
import pytest

from tutelage.foresight.convergence import foresee_stops, foresee_target

STEPS = np.arange(10, 210, 10, dtype=float)


def power(steps: np.ndarray, *, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    return 0.2 + 3.0 * steps**-0.5 + noise * np.random.default_rng(seed).standard_normal(len(steps))


def test_a_power_law_is_foretold_where_it_has_no_noise() -> None:
    # 0.2 + 3 t^-0.5 = 0.3 where t = 900.
    assert foresee_target(STEPS, power(STEPS), target=0.3).steps == pytest.approx(900, rel=0.15)


def test_a_target_that_was_reached_is_known() -> None:
    found = foresee_target(STEPS, power(STEPS), target=0.6)
    assert found.interval_80 == (found.steps, found.steps)
    assert found.steps == 60.0


def test_a_target_below_the_limit_is_never_reached() -> None:
    found = foresee_target(STEPS, power(STEPS), target=0.05)
    assert found.never > 0.9


def test_noise_makes_the_interval_wider() -> None:
    widths = []
    for noise in (0.001, 0.02):
        low, high = foresee_target(STEPS, power(STEPS, noise=noise), target=0.32).interval_80
        widths.append(math.log(high / low))
    assert widths[0] < widths[1]


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    # 0.2 + 3 t^-0.5 = 0.35 where t = 400, twice what was seen.
    held = 0
    for seed in range(20):
        low, high = foresee_target(STEPS, power(STEPS, noise=0.01, seed=seed), target=0.35).interval_80
        held += low <= 400 <= high
    assert held >= 12


def test_a_curve_that_is_flat_stops_by_its_patience() -> None:
    flat = 0.5 + 0.01 * np.random.default_rng(0).standard_normal(len(STEPS))
    ends = foresee_stops(STEPS, flat, patience=100, total=10_000)
    assert np.median(ends) < 1_500


def test_a_curve_that_falls_uses_its_budget() -> None:
    ends = foresee_stops(STEPS, power(STEPS), patience=100, total=1_000)
    assert np.median(ends) == 1_000


def test_few_evaluations_are_refused() -> None:
    with pytest.raises(ValueError, match="expected at least 6"):
        foresee_target([1, 2], [0.5, 0.4], target=0.1)
