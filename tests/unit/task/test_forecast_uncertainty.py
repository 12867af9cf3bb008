"""How certain errors of forecasts are: windows that share times are not several, and a unit is not cut by a batch."""

import numpy as np
import pytest

from tutelage.data.part.interval import HOUR, Interval
from tutelage.data.part.stretch import hash_values
from tutelage.data.part.timeline import TimelinePart
from tutelage.data.prepare.timeline import Timeline
from tutelage.data.rows.history import HistoryPart
from tutelage.metric.coverage_80 import BandCoverage
from tutelage.metric.forecast_outcome import ForecastOutcome
from tutelage.task.forecast_beside import apart, block_losses, standard_error
from tutelage.task.measured import UnitTallies


def windows(count: int, *, horizon: int, channels: int = 1, seed: int = 0) -> HistoryPart:
    values, known = np.random.default_rng(seed).normal(size=(count, channels)), np.empty((count, 0))
    names = tuple(f"s{c}" for c in range(channels))
    part = TimelinePart("test", values, known, 0, Interval("time", HOUR), names, (), "x", hash_values(0, values, known))
    return Timeline(length=5, horizon=horizon, season=1).fit(part).windows(part)


@pytest.mark.parametrize(("horizon", "least"), [(1, 16), (10, 16), (24, 1), (50, 16)])
def test_units_have_no_forecast_time_in_common(horizon: int, least: int) -> None:
    history = windows(500, horizon=horizon)
    unit_N = apart(history, least=least)
    begins = [history.starts[unit_N == unit] for unit in range(unit_N.max() + 1)]
    seen = [{int(begin) + step for begin in own for step in range(horizon)} for own in begins]
    assert all(seen)
    assert sum(map(len, seen)) == len(set().union(*seen))
    assert (np.bincount(unit_N[unit_N >= 0])[:-1] == max(horizon, least)).all()
    assert horizon > 1 or (unit_N >= 0).all()


def test_the_standard_error_is_how_much_the_mean_varies_though_neighbors_overlap() -> None:
    means, errors, naive = [], [], []
    for seed in range(400):
        history = windows(1_000, horizon=20, seed=seed)
        losses = block_losses(history.truths() * history.std, history)
        means.append(losses.mean())
        errors.append(standard_error(losses))
        naive.append(losses.std(ddof=1) / len(losses) ** 0.5)
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.12)
    assert np.mean(naive) < 0.88 * np.std(means)


def test_a_standard_error_counts_neighbors_that_go_together() -> None:
    alone = np.random.default_rng(0).normal(size=2_000)
    assert standard_error(alone) == pytest.approx(2_000**-0.5, rel=0.05)
    mixed = (alone[1:] + alone[:-1]) / 2**0.5
    assert standard_error(mixed) == pytest.approx((2 / 2_000) ** 0.5, rel=0.05)


def test_a_unit_that_comes_in_pieces_is_one() -> None:
    random = np.random.default_rng(0)
    units = UnitTallies(BandCoverage(), num_units=3)
    for unit in (0, 0, 1, 2, 2):
        target = random.normal(size=4)
        units.add(ForecastOutcome(target, target, None, target, target, low=target, high=target), unit=unit)
    assert len(units.tallies) == 3


def test_values_without_a_band_are_neither_within_nor_outside() -> None:
    target = np.array([0.0, 5.0, 1.0])
    low, high = np.array([-1.0, -1.0, np.nan]), np.array([1.0, 1.0, np.nan])
    outcome = ForecastOutcome(target, target, None, target, target, low=low, high=high)
    assert BandCoverage().compute(outcome) == 0.5
