"""The textbook rule is exact."""

import pytest

from tutelage.core.errors import UsageError
from tutelage.foresight.textbook import ideal_seconds


def test_the_textbook_example_is_exact() -> None:
    assert ideal_seconds(flops_per_iteration=1e12, iterations=100, flops_per_second=10e12) == 10.0
    assert ideal_seconds(flops_per_iteration=1e12, iterations=100, flops_per_second=20e12) == 5.0


@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan"), float("inf")])
def test_what_is_no_rate_is_refused(wrong: float) -> None:
    with pytest.raises(UsageError, match=r"FLOP/s = .*must be a finite number > 0"):
        ideal_seconds(flops_per_iteration=1e12, iterations=100, flops_per_second=wrong)


@pytest.mark.parametrize(("work", "rate"), [(1e308, 1.0), (1e-300, 1e300)])
def test_a_time_that_no_number_holds_is_refused(work: float, rate: float) -> None:
    with pytest.raises(UsageError, match="beyond what a number holds"):
        ideal_seconds(flops_per_iteration=work, iterations=100, flops_per_second=rate)
