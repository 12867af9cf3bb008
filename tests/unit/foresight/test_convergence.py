"""A learning curve is extrapolated from its beginning, as unsure as its noise makes it."""

import numpy as np
import pytest

from tutelage.foresight.convergence import extrapolated

STEPS = np.arange(10, 210, 10, dtype=float)


def power(steps: np.ndarray, *, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    return 0.2 + 3.0 * steps**-0.5 + noise * np.random.default_rng(seed).standard_normal(len(steps))


def test_a_curve_goes_on_as_it_began_and_not_below_the_least() -> None:
    drawn = extrapolated(STEPS, power(STEPS), ahead=[400, 900], least=0.0)
    assert np.median(drawn, axis=0) == pytest.approx([0.35, 0.3], rel=0.05)
    assert extrapolated(STEPS, power(STEPS, noise=0.05), ahead=[1e5], least=0.1).min() >= 0.1


def test_noise_makes_what_follows_less_sure() -> None:
    widths = [float(np.ptp(np.quantile(extrapolated(STEPS, power(STEPS, noise=noise), ahead=[900], least=0.0), [0.1, 0.9])))
              for noise in (0.001, 0.02)]  # fmt: skip
    assert widths[0] < widths[1]


def test_four_of_five_draws_hold_the_truth_about_as_often_as_that() -> None:
    # 0.2 + 3 t^-0.5 = 0.35 where t = 400, twice what was seen.
    held = 0
    for seed in range(20):
        drawn = extrapolated(STEPS, power(STEPS, noise=0.01, seed=seed), ahead=[400], least=0.0)
        low, high = np.quantile(drawn, [0.1, 0.9])
        held += low <= 0.35 <= high
    assert held >= 12


def test_few_evaluations_are_refused() -> None:
    with pytest.raises(ValueError, match="expected at least 4"):
        extrapolated([1, 2], [0.5, 0.4], ahead=[3], least=0.0)
