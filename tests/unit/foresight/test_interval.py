"""Intervals: as wide as the misses ask for."""

import numpy as np
import pytest

from tutelage.foresight.interval import NORMAL_80, Scale, conformal, interval, largest


def test_an_interval_is_equally_wide_as_a_factor() -> None:
    found = interval(10.0, sd=0.2, half=1.0)
    assert found.low * found.high == pytest.approx(100.0)


def test_the_two_largest_contributors_are_named_first() -> None:
    assert list(largest({"small": 0.1, "large": 0.6, "middle": 0.3})) == ["large", "middle"]


def test_normal_misses_give_the_normal_width() -> None:
    misses = np.random.default_rng(0).normal(size=2000)
    scale = conformal(list(misses), sources=[str(index) for index in range(2000)])
    assert scale.half_80 == pytest.approx(NORMAL_80, abs=0.08)


def test_a_scale_covers_what_it_says_on_later_misses() -> None:
    """Heavy tails, which the normal width would not cover rightly at both shares."""
    random = np.random.default_rng(1)
    scale = conformal(list(random.standard_t(2, size=500)), sources=[str(index) for index in range(500)])
    later = np.abs(random.standard_t(2, size=5000))
    assert (later <= scale.half_80).mean() == pytest.approx(0.8, abs=0.04)
    assert (later <= scale.half_50).mean() == pytest.approx(0.5, abs=0.05)


def test_few_misses_say_nothing() -> None:
    assert conformal([5.0, 5.0], sources=["a", "b"]) == Scale()


def test_one_source_of_many_rows_does_not_decide_alone() -> None:
    misses = [3.0] * 100 + [0.1] * 20
    by_row = conformal(misses, sources=[str(index) for index in range(120)])
    by_source = conformal(misses, sources=["large"] * 100 + [str(index) for index in range(20)])
    assert by_row.half_50 == 3.0
    assert by_source.half_50 == 0.1
