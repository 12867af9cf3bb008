"""Which season is found: on short tables, on those where nothing comes again, and without much memory."""

import tracemalloc

import numpy as np
import pytest

from tutelage.data.part.interval import DAY, HOUR, Interval
from tutelage.data.prepare.calendar import calendar_names
from tutelage.data.prepare.season import MOST_TIMES, find_season, season_strength

YEAR = Interval("month", 12)


@pytest.mark.parametrize("interval", [YEAR, Interval("time", DAY), Interval("time", 8 * HOUR)])
@pytest.mark.parametrize("count", [*range(2, 12), 18, 30])
def test_every_random_walk_has_a_season_or_none(interval: Interval, count: int) -> None:
    for seed in range(60):
        values = np.random.default_rng(seed).normal(size=(count, 1)).cumsum(axis=0)
        season, why = find_season(values, interval)
        assert season >= 1
        assert why


def test_the_season_of_many_series_takes_little_memory_and_is_that_of_each() -> None:
    random = np.random.default_rng(0)
    values = np.sin(np.arange(2_000)[:, None] * 2 * np.pi / 37) + 0.5 * random.normal(size=(2_000, 40))
    alone = np.mean([season_strength(values[:, c : c + 1], longest=100) for c in range(40)], axis=0)
    np.testing.assert_allclose(season_strength(values, longest=100), alone, atol=1e-12)
    many = random.normal(size=(MOST_TIMES, 100))
    tracemalloc.start()
    season_strength(many, longest=168)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * many.nbytes


@pytest.mark.parametrize("rounded", [2, 15])
def test_growth_that_gets_faster_is_no_season(rounded: int) -> None:
    values = np.round(1 + 0.05 * np.arange(120.0) ** 2, rounded)[:, None]
    season, why = find_season(values, Interval("time", DAY))
    assert season == 7
    assert "say so" not in why


def test_growth_by_a_rate_is_no_season() -> None:
    season, why = find_season(np.round(1.05 ** np.arange(120.0), 4)[:, None], Interval("time", DAY))
    assert season == 7
    assert "say so" not in why


def test_a_season_is_found_beside_growth_that_gets_faster() -> None:
    time = np.arange(120.0)
    _, why = find_season((0.05 * time**2 + 3 * np.sin(2 * np.pi * time / 7))[:, None], Interval("time", DAY))
    assert "the values say so" in why


@pytest.mark.parametrize(("months", "circles"), [(1, ("year",)), (3, ("year",)), (12, ()), (24, ())])
def test_the_place_in_the_year_says_nothing_of_years(months: int, circles: tuple[str, ...]) -> None:
    assert calendar_names(Interval("month", months), span=40 * 365 * DAY) == circles
