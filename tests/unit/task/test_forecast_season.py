"""Seasonal-naive where the window is shorter than the season: what was a season ago, and nothing instead of it unseen."""

import numpy as np
import pytest

from tests.unit.task.test_forecast import counted, data, part
from tutelage.data.prepare.gaps import filled
from tutelage.data.prepare.timeline import Timeline
from tutelage.floor.forecasts import has_season, last_season
from tutelage.floor.ridge_forecast import RidgeForecast
from tutelage.floor.seasonal_naive import SeasonalNaive

SEASON = 12


def seasonal(count: int, *, noise: float = 0.0) -> np.ndarray:
    """A strong season of 12 steps."""
    wave = 100 * np.sin(np.arange(count) * 2 * np.pi / SEASON)
    return np.asarray(wave[:, None] + noise * np.random.default_rng(0).normal(size=(count, 1)))


def test_validation_and_test_windows_see_a_season_though_the_window_is_shorter() -> None:
    made = data(counted(48), horizon=12, prepare={"season": SEASON})
    assert made.fitted.length == 4
    assert made.lookback == {"train": 0, "validation": 12, "test": 12}
    for name, begin in (("validation", 24), ("test", 36)):
        windows = made.windows[name]
        assert len(windows) == 1
        np.testing.assert_allclose(windows.raw(last_season(windows, season=SEASON))[0, :, 0], np.arange(begin - 12, begin))
        np.testing.assert_allclose(windows.raw(windows.pasts())[0, :, 0], np.arange(begin - 4, begin))
        np.testing.assert_allclose(windows.raw(windows.truths())[0, :, 0], np.arange(begin, begin + 12))


def test_a_test_table_of_its_own_is_seen_with_a_season_before_it() -> None:
    later = part(counted(24) + 48, start=48 * 3_600_000_000, name="test")
    made = data(counted(48), horizon=12, prepare={"season": SEASON, "length": 3}, test=later)
    windows = made.windows["test"]
    np.testing.assert_allclose(windows.raw(last_season(windows, slice(0, 1), season=SEASON))[0, :, 0], np.arange(36, 48))


def test_the_floors_learn_the_season_from_windows_that_are_shorter() -> None:
    made = data(seasonal(48, noise=1.0), horizon=12, prepare={"season": SEASON})
    validation = made.windows["validation"]
    for floor in (SeasonalNaive(), RidgeForecast()):
        fitted = floor.fit(made.windows["train"], np.empty(0), num_classes=0, seed=0)
        error = np.abs(fitted.answers(validation) - validation.truths()) * validation.std
        assert error.mean() < 3, "the season alone is of 100"


def test_only_steps_without_a_season_before_them_say_the_last_value() -> None:
    windows = Timeline(length=4, horizon=12, season=SEASON).fit(part(counted(40))).windows(part(counted(40)))
    said = windows.raw(last_season(windows, slice(6, 7), season=SEASON))[0, :, 0]  # its moment is at 10
    np.testing.assert_allclose(said, [9, 9, *range(10)])
    assert has_season(windows, slice(6, 7), season=SEASON)[0, :, 0].tolist() == [False] * 2 + [True] * 10


def test_a_series_that_begins_later_says_its_last_value_until_it_has_a_season() -> None:
    values = counted(60, 2)
    values[:30, 1] = np.nan
    fitted = Timeline(length=4, horizon=12, season=SEASON).fit(part(values))
    windows = fitted.windows(part(values))
    said = windows.raw(last_season(windows, slice(34, 35), season=SEASON))[0]  # its moment is at 38
    np.testing.assert_allclose(said[:, 0], 2 * np.arange(26, 38))
    np.testing.assert_allclose(said[:, 1], 2 * np.array([37] * 4 + list(range(30, 38))) + 1)


def test_a_gap_longer_than_a_window_is_filled_without_a_season_before_it() -> None:
    values = np.array([1.0, np.nan, np.nan, np.nan])[:, None]
    np.testing.assert_array_equal(filled(values, season=24, hold=1)[:, 0], [1, 1, 1, 1])


def test_short_windows_over_gaps_are_prepared() -> None:
    values = seasonal(60)
    values[38:45] = np.nan
    made = data(values, horizon=6, prepare={"season": SEASON, "length": 3}, split={"validation": 12, "test": 12})
    assert len(made.windows["test"])


def test_a_gap_where_the_season_before_would_be_is_filled_from_before_it() -> None:
    values = counted(600)
    values[380:396] = np.nan  # the season before the validation part begins at 348 + 24
    made = data(values, horizon=24, prepare={"season": 24, "length": 4}, split={"validation": 120, "test": 80})
    windows = made.windows["validation"]
    assert made.sizes == {"train": 400, "validation": 120, "test": 80}
    said = windows.raw(last_season(windows, slice(0, 1), season=24))[0, :, 0]
    np.testing.assert_allclose(said[:4], [376, 377, 378, 379])
    assert has_season(windows, season=24).all()
    truth = windows.raw(windows.truths(slice(0, 1)))[0, :, 0]
    np.testing.assert_allclose(truth, np.arange(400, 424))


def test_a_season_longer_than_the_train_part_is_warned_of() -> None:
    made = data(seasonal(120), horizon=6, prepare={"season": 100, "length": 3})
    assert "Say a shorter prepare.season" in " ".join(made.warnings())
    assert "prepare.season" not in " ".join(data(seasonal(120), horizon=6, prepare={"season": 12}).warnings())


@pytest.mark.parametrize("gap", [slice(370, 385), slice(376, 377), slice(350, 399)])
def test_no_window_loses_its_season_to_a_gap(gap: slice) -> None:
    values = counted(600)
    values[gap] = np.nan
    made = data(values, horizon=24, prepare={"season": 24, "length": 4}, split={"validation": 120, "test": 80})
    windows = made.windows["validation"]
    assert len(windows) == 97
    assert has_season(windows, season=24).all()
