"""A learning curve is extrapolated from its beginning: when it reaches a target, and when patience ends the training."""

import math

import numpy as np
import pytest

from tutelage.foresight.convergence import extrapolated, foresee_target

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


def test_a_curve_goes_on_as_it_began_and_not_below_the_least() -> None:
    drawn = extrapolated(STEPS, power(STEPS), ahead=[400, 900], least=0.0)
    assert np.median(drawn, axis=0) == pytest.approx([0.35, 0.3], rel=0.05)
    assert extrapolated(STEPS, power(STEPS, noise=0.05), ahead=[1e5], least=0.1).min() >= 0.1


def test_few_evaluations_are_refused() -> None:
    with pytest.raises(ValueError, match="expected at least 4"):
        foresee_target([1, 2], [0.5, 0.4], target=0.1)
