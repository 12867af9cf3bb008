"""The straight map: which windows it learns from, and that nothing held out is seen before its penalty is chosen."""

from typing import Any

import numpy as np
import pytest

from tutelage.data.part.interval import HOUR, Interval
from tutelage.data.part.timeline import TimelinePart
from tutelage.data.prepare.timeline import Timeline
from tutelage.data.rows.history import HistoryPart
from tutelage.floor import ridge_forecast
from tutelage.floor.gram import Gram
from tutelage.floor.ridge_forecast import RidgeForecast
from tutelage.floor.seasonal_naive import SeasonalNaiveFitted, mean_drift


def windows(values_T: np.ndarray) -> HistoryPart:
    values, known = values_T[:, None], np.empty((len(values_T), 0))
    part = TimelinePart("train", values, known, 0, Interval("time", HOUR), ("a",), (), "x", "")
    return Timeline(length=12, horizon=6, season=1).fit(part).windows(part)


def sums_of(history: HistoryPart, monkeypatch: pytest.MonkeyPatch) -> list[tuple[HistoryPart, SeasonalNaiveFitted]]:
    """Return the windows whose sums are made, with what is departed from."""
    made: list[tuple[HistoryPart, SeasonalNaiveFitted]] = []
    kept: Any = ridge_forecast._sums

    def noted(own: HistoryPart, naive: SeasonalNaiveFitted) -> Gram:
        made.append((own, naive))
        return kept(own, naive)  # type: ignore[no-any-return]

    monkeypatch.setattr(ridge_forecast, "_sums", noted)
    RidgeForecast().fit(history, np.empty(0), num_classes=0, seed=0)
    return made


def test_all_windows_are_thinned_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    history = windows(np.random.default_rng(0).normal(size=600).cumsum())
    whole = np.concatenate([np.sort(own.starts) for own, _ in sums_of(history, monkeypatch)])
    np.testing.assert_array_equal(np.sort(whole), history.starts)
    monkeypatch.setattr(ridge_forecast, "MOST_PRODUCTS", len(history) * 12 * 18 / 5)
    thinned = np.sort(np.concatenate([own.starts for own, _ in sums_of(history, monkeypatch)]))
    np.testing.assert_array_equal(thinned, history.starts[::5])


def test_the_mean_change_is_that_of_the_early_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = 0.1 * np.random.default_rng(0).normal(size=600)
    history = windows(np.r_[np.arange(400) * 1.0, 400 + 1.5 * np.arange(200)] + noise)
    (early, naive), *_ = sums_of(history, monkeypatch)
    assert naive.drift.any()
    np.testing.assert_allclose(naive.drift, mean_drift(early, naive.season))


@pytest.mark.parametrize("season", [1, 4])
def test_the_mean_change_of_a_series_that_begins_late_is_that_of_its_own_times(season: int) -> None:
    values = np.arange(600) * 1.0
    values[:400] = np.nan
    history = windows(values)
    assert mean_drift(history, season) * history.std == pytest.approx(1.0)
    assert mean_drift(history.select(np.arange(150, len(history))), season) * history.std == pytest.approx(1.0)
    assert mean_drift(history.select(np.arange(0)), season) == 0
