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
from tutelage.floor.log_scale import LogScale
from tutelage.floor.ridge_forecast import CENTERS, Center, RidgeForecast, RidgeForecastFitted, centered, centering
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


@pytest.mark.parametrize("center", CENTERS)
@pytest.mark.parametrize("groups", [1, 3])
def test_sums_are_centered_as_windows_are(center: Center, groups: int) -> None:
    random = np.random.default_rng(0)
    past, truth = 100 + random.normal(size=(50, 7, 3)), random.normal(size=(50, 3, 4))
    raw, own = Gram.empty(groups, 7, 4), Gram.empty(groups, 7, 4)
    raw.add(past.transpose(0, 2, 1), truth)
    own.add(centered(past, center), truth)
    found = raw.centered(*centering(7, center))
    # Of sums of 10,000s nine digits are left.
    np.testing.assert_allclose(found.inputs, own.inputs, atol=1e-6)
    np.testing.assert_allclose(found.products, own.products, atol=1e-8)
    assert (found.squares, found.count) == (own.squares, own.count)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("center", CENTERS)
def test_answers_are_those_of_the_map_and_what_is_always_added(center: Center, groups: int) -> None:
    random = np.random.default_rng(0)
    values, known = random.normal(size=(80, 2)), np.empty((80, 0))
    part = TimelinePart("train", values, known, 0, Interval("time", HOUR), ("a", "b"), (), "x", "")
    history = Timeline(length=12, horizon=6, season=4).fit(part).windows(part)
    weights, drift = random.normal(size=(groups, 13, 6)), np.array([0.1, -0.2])
    scale = LogScale(np.zeros(2, dtype=bool), np.ones(2), np.zeros(2), np.ones(2))
    fitted = RidgeForecastFitted(weights, center, SeasonalNaiveFitted(4, drift), scale, 1.0)
    found = fitted.answers(history)
    for row, c, h in ((0, 0, 0), (3, 1, 5), (40, 0, 4)):
        past = history.past[history.starts[row] : history.starts[row] + 12, c]
        own = weights[c if groups > 1 else 0]
        naive = past[8 + h % 4] + (h // 4 + 1) * 4 * drift[c]
        told = (past - (past[-1] if center == "last" else past.mean())) @ own[:-1, h] + own[-1, h]
        assert found[row, h, c] == pytest.approx(naive + told)


def test_answers_on_the_logarithm_come_back_to_the_scale_of_the_windows() -> None:
    random = np.random.default_rng(0)
    level = np.exp(np.arange(400) / 100)
    history = windows(level * (1 + 0.1 * random.normal(size=400)))
    scale = LogScale.suited(history)
    assert scale.is_log.all()
    np.testing.assert_allclose(scale.back(scale.history(history).truths(), history), history.truths(), atol=1e-9)
    assert scale.history(history).past.std() == pytest.approx(1, abs=0.05)
