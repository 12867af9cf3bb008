"""A gain counts where it is more than so many of its standard errors, measured in pairs."""

import math

import numpy as np

from tutelage.core.gain import Gain


def test_the_error_is_that_of_the_mean_of_independent_rows() -> None:
    gain = Gain.of(np.array([1.0, 3.0, 2.0, 6.0]))
    assert gain.mean == 3.0
    # Deviations -2, 0, -1, 3: their squares sum to 14, divided by 3 rows and by 4.
    assert math.isclose(gain.error, math.sqrt(14 / 3 / 4), rel_tol=1e-12)


def test_a_gain_is_clear_above_its_errors_and_above_what_counts_at_all() -> None:
    gain = Gain(mean=3.0, error=1.0)
    assert gain.is_clear(errors=2.9)
    assert not gain.is_clear(errors=3.0)
    assert not gain.is_clear(errors=1.0, least=3.0)


def test_a_single_row_and_equal_rows_prove_nothing_but_what_they_show() -> None:
    assert not Gain.of(np.array([5.0])).is_clear(errors=0.1)
    assert not Gain.of(np.zeros(9)).is_clear(errors=1.0)
    assert Gain.of(np.full(9, 0.25)).is_clear(errors=100.0)
