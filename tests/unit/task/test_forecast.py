"""Forecasting: stretches of time, windows that see nothing of what they forecast, a loss over what was measured, the floor."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tutelage.core.border import BorderError
from tutelage.core.errors import DataError, RecipeError
from tutelage.data.part.interval import HOUR, Interval
from tutelage.data.part.stretch import hash_values
from tutelage.data.part.timeline import TimelinePart
from tutelage.data.prepare import gaps
from tutelage.data.prepare.gaps import filled, steps_of_last
from tutelage.data.prepare.season import find_season
from tutelage.data.prepare.timeline import Timeline
from tutelage.data.source.base import Collected
from tutelage.floor.forecasts import ForecastFitted, last_season
from tutelage.floor.seasonal_naive import SeasonalNaive
from tutelage.loss.mse import SquaredError
from tutelage.optim.adamw import AdamW
from tutelage.optim.schedule.constant import Constant
from tutelage.planning.recipe import Recipe, recipe_from
from tutelage.task.base import Phase
from tutelage.task.beside import ALONE, BOTH
from tutelage.task.forecast import Forecast, ForecastTask
from tutelage.task.forecast_beside import ForecastBeside
from tutelage.task.forecast_data import ForecastData, choose_cuts, choose_length


def part(values: np.ndarray, *, start: int = 0, name: str = "train") -> TimelinePart:
    known = np.empty((len(values), 0))
    names = tuple("abcdefgh"[: values.shape[1]])
    return TimelinePart(name, values, known, start, Interval("time", HOUR), names, (), "x.csv", hash_values(start, values, known))


def counted(count: int, channels: int = 1) -> np.ndarray:
    """Values that tell their time."""
    return np.arange(count * channels, dtype=np.float64).reshape(count, channels)


def data(values: np.ndarray, *, horizon: int, test: TimelinePart | None = None, **wishes: Any) -> ForecastData:
    return Forecast(horizon=horizon).prepare(Collected("x", part(values), test), recipe_from(wishes, where="test"), reason="")


def test_validation_and_test_follow_train_and_look_back_into_it() -> None:
    made = data(counted(1_000), horizon=10, prepare={"length": 30, "season": 24})
    assert made.sizes == {"train": 600, "validation": 200, "test": 200}
    assert {name: len(windows) for name, windows in made.windows.items()} == {"train": 561, "validation": 191, "test": 191}
    first = made.windows["test"].raw(made.windows["test"].truths(slice(0, 1)))
    assert first[0, 0, 0] == pytest.approx(800)
    past = made.windows["test"].raw(made.windows["test"].pasts(slice(0, 1)))
    np.testing.assert_allclose(past[0, :, 0], np.arange(770, 800))
    last = made.windows["train"].raw(made.windows["train"].truths(slice(-1, None)))
    assert last[0, -1, 0] == pytest.approx(599), "nothing of the validation part is learned from"


def test_what_is_learned_from_are_the_same_windows_as_those_that_are_measured() -> None:
    values = counted(300, 2)
    values[50:60, 1] = np.nan
    made = data(values, horizon=10, prepare={"length": 30, "season": 24})
    for name, windows in made.windows.items():
        rows = made.fitted.rows_of(made.parts[name], windows)
        batch = rows.take(torch.arange(len(windows)))
        np.testing.assert_allclose(batch["past"], windows.pasts(), rtol=1e-6)
        np.testing.assert_allclose(batch["target"], windows.truths(), rtol=1e-6)


def test_windows_without_a_value_before_or_after_the_moment_are_none() -> None:
    values = counted(100)
    values[:20], values[60:90] = np.nan, np.nan
    fitted = Timeline(length=10, horizon=5, season=1).fit(part(values))
    windows = fitted.windows(part(values))
    expected = [
        start
        for start in range(100 - 15 + 1)
        if not np.isnan(values[start : start + 10]).all() and not np.isnan(values[start + 10 : start + 15]).all()
    ]
    assert windows.starts.tolist() == expected
    assert 0 < len(expected) < 60


def test_the_scale_is_that_of_the_train_times_alone() -> None:
    values = np.concatenate([np.tile([1.0, 3.0], 300), np.full(400, 1e6)])[:, None]
    made = data(values, horizon=10)
    assert made.fitted.mean[0] == pytest.approx(2.0)
    assert made.fitted.std[0] == pytest.approx(1.0)


def test_very_large_and_very_small_values_have_a_scale_too() -> None:
    values = np.tile([1.0, 3.0], 500)[:, None] * np.array([1e200, 1e-200])
    fitted = data(values, horizon=10).fitted
    np.testing.assert_allclose(fitted.mean, [2e200, 2e-200])
    np.testing.assert_allclose(fitted.std, [1e200, 1e-200])


def test_the_usual_split_is_said_in_whole_numbers() -> None:
    made = data(counted(200), horizon=10, split={"validation": 30, "test": 40}, prepare={"length": 20})
    assert made.sizes == {"train": 130, "validation": 30, "test": 40}


def test_few_times_are_cut_by_the_horizon() -> None:
    cuts = choose_cuts(Recipe(), 144, horizon=24, has_test=False, where="x")
    assert (cuts.train, cuts.validation, cuts.end) == (96, 120, 144)


@pytest.mark.parametrize("horizon", [40, 144, 500])
def test_a_horizon_longer_than_the_data_is_refused_with_one_that_is_not(horizon: int) -> None:
    with pytest.raises(DataError, match=r"144 times are too few.*--horizon 36"):
        data(counted(144), horizon=horizon)


def monthly(count: int) -> Collected:
    values = (100 + 0.5 * np.arange(count) + 10 * np.sin(np.arange(count) * 2 * np.pi / 12))[:, None]
    known = np.empty((count, 0))
    return Collected("x", TimelinePart("train", values, known, 0, Interval("month", 1), ("y",), (), "x.csv", "0"))


@pytest.mark.parametrize(
    ("count", "horizon", "season"), [(36, 9, 1), (39, 9, 1), (40, 8, 12), (44, 10, 12), (47, 11, 12), (48, 12, 12), (90, 12, 12)]
)
def test_a_horizon_that_nobody_asked_for_is_as_long_as_fits_two_seasons(count: int, horizon: int, season: int) -> None:
    made = Forecast().prepare(monthly(count), Recipe(), reason="")
    assert (made.fitted.horizon, made.fitted.season) == (horizon, season)
    assert made.why["horizon"].startswith("the longest that fits: 12 months, one season,") == (40 <= count < 48)


def test_a_season_that_no_train_time_comes_again_after_is_not_said_to_be_none() -> None:
    assert (
        Forecast()
        .prepare(monthly(36), Recipe(), reason="")
        .fitted.why.endswith("train times are not two seasons of 12 months: --set prepare.season=12 says it")
    )


def test_a_horizon_that_nobody_asked_for_is_no_longer_than_the_test_table() -> None:
    assert data(counted(300), horizon=0, test=part(counted(10), start=300 * HOUR, name="test")).fitted.horizon == 10


def test_a_part_shorter_than_the_horizon_is_refused() -> None:
    with pytest.raises(DataError, match="fewer than the horizon of 24"):
        data(counted(1_000), horizon=24, split={"test": 10})


@pytest.mark.parametrize(("name", "share"), [("validation", 0.01), ("test", 0.01), ("validation", 0.1)])
def test_a_share_that_comes_to_fewer_times_than_the_horizon_is_refused(name: str, share: float) -> None:
    size = round(share * 40)
    with pytest.raises(DataError, match=rf"split.{name} leaves {size} times .* the horizon of 6.*--set split.{name}=6"):
        data(counted(40), horizon=6, split={name: share})


def test_no_test_part_is_a_wish_that_can_be_met() -> None:
    assert set(data(counted(40), horizon=6, split={"test": 0}).parts) == {"train", "validation"}


def test_a_test_table_shorter_than_the_horizon_is_refused_as_such() -> None:
    later = part(counted(4), start=100 * HOUR, name="test")
    with pytest.raises(DataError, match=r"4 times, fewer than the horizon of 6"):
        data(counted(100), horizon=6, test=later)


def test_a_share_out_of_range_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"split.test = 0.8"):
        data(counted(1_000), horizon=24, split={"test": 0.8})


def test_a_test_table_comes_after_the_train_table() -> None:
    later = part(counted(100), start=1_003 * HOUR, name="test")
    made = data(counted(1_000), horizon=10, test=later, prepare={"length": 30})
    assert made.sizes == {"train": 800, "validation": 200, "test": 100}
    assert made.windows["test"].measured.shape[0] == 130
    assert np.isnan(made.windows["test"].measured[27:30]).all(), "three hours lie between"
    with pytest.raises(DataError, match=r"begins at .* and the train part ends at"):
        data(counted(1_000), horizon=10, test=part(counted(100), start=500 * HOUR, name="test"))


def test_a_gap_is_filled_from_before_alone() -> None:
    values = np.array([np.nan, 1.0, 2.0, 3.0, np.nan, np.nan, np.nan, 5.0])[:, None]
    np.testing.assert_array_equal(filled(values, season=1, hold=0)[:, 0], [0, 1, 2, 3, 3, 3, 3, 5])
    np.testing.assert_array_equal(filled(values, season=3, hold=1)[:, 0], [0, 1, 2, 3, 3, 2, 3, 5])


def test_the_last_value_stands_as_long_as_it_is_nearer_than_that_of_a_season_before() -> None:
    wave = np.sin(np.arange(500) * 2 * np.pi / 24) + 0.1 * np.random.default_rng(0).normal(size=500)
    walk = np.random.default_rng(0).normal(size=500).cumsum()
    assert 0 <= steps_of_last(wave[:, None], 24) <= 1
    assert steps_of_last(walk[:, None], 24) == 23


def test_of_very_many_series_some_say_how_long_the_last_value_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    walks = np.random.default_rng(0).normal(size=(500, 300)).cumsum(axis=0)
    looked_at: list[tuple[int, ...]] = []
    kept = gaps._distance

    def noted(values_TC: np.ndarray, steps: int) -> float:
        looked_at.append(values_TC.shape)
        return kept(values_TC, steps)

    monkeypatch.setattr(gaps, "_distance", noted)
    monkeypatch.setattr(gaps, "MOST_VALUES", 5_000)
    assert steps_of_last(walks, 24) == 23
    assert set(looked_at) == {(500, 10)}


def test_a_gap_is_held_for_as_long_as_the_last_value_tells_more_and_no_longer() -> None:
    values = np.array([1.0, 2.0, 3.0, np.nan, np.nan, np.nan])[:, None]
    assert filled(values, season=3, hold=0)[3:, 0].tolist() == [1, 2, 3]
    assert filled(values, season=3, hold=1)[3:, 0].tolist() == [3, 2, 3]
    assert filled(values, season=3, hold=2)[3:, 0].tolist() == [3, 3, 3]


def test_what_is_known_beforehand_is_on_the_scale_of_the_train_times() -> None:
    known = np.arange(100.0)[:, None] * 7 + 3
    whole = TimelinePart("train", counted(100), known, 0, Interval("time", HOUR), ("a",), ("k",), "x.csv", "x")
    fitted = Timeline(length=4, horizon=2, season=1, calendar=False).fit(whole.stretch(0, 50, name="train"))
    told = fitted.known(whole, 102)
    assert told[:50].mean() == pytest.approx(0, abs=1e-6)
    assert told[:50].std() == pytest.approx(1)
    assert told[50:100, 0] == pytest.approx((known[50:, 0] - known[:50].mean()) / known[:50].std())
    assert not told[100:].any(), "beyond what is known the mean stands for it"


def test_windows_do_not_change_with_what_comes_after() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(300, 2))
    values[random.integers(300, size=40), 0] = np.nan
    other = values.copy()
    other[200:] = random.normal(size=(100, 2))
    fitted = Timeline(length=40, horizon=10, season=24).fit(part(values))
    rows = torch.tensor([160])  # its moment is at 200
    first, second = (fitted.apply(part(each)).take(rows) for each in (values, other))
    assert torch.equal(first["past"], second["past"])
    assert not torch.equal(first["target"].nan_to_num(), second["target"].nan_to_num())


def test_what_was_not_measured_counts_nowhere() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.level = nn.Parameter(torch.zeros(()))

        def forward(self, past: Tensor) -> Tensor:
            return self.level.expand(len(past), 2, 1)

    phase = Phase(owns=("model.",), optim=AdamW(), schedule=Constant())
    task = ForecastTask(Model(), loss=SquaredError().build(), input_names=("past",), phase=phase)
    target = torch.tensor([[[1.0], [float("nan")]], [[3.0], [2.0]]])
    found = task.objective("fit", {"past": torch.zeros(2, 4, 1), "target": target})
    assert float(found.total.detach()) == pytest.approx(1 + 9 + 4)
    assert float(found.weight) == 3
    found.total.backward()
    (gradient,) = [parameter.grad for parameter in task.parameters()]
    assert gradient is not None
    assert float(gradient) == pytest.approx(-2 * (1 + 3 + 2))


def test_a_series_that_begins_later_is_not_measured_before() -> None:
    values = counted(200, 2)
    values[:150, 1] = np.nan
    fitted = Timeline(length=20, horizon=5, season=24).fit(part(values))
    batch = fitted.apply(part(values)).take(torch.tensor([100, 128, 140]))
    assert batch["target"][0, :, 1].isnan().all()
    assert batch["target"][1, :, 1].isnan().all(), "there is nothing yet to go on with"
    assert not batch["target"][2].isnan().any()


def test_the_calendar_is_told_of_coming_times_too() -> None:
    fitted = Timeline(length=48, horizon=24).fit(part(np.sin(np.arange(1_000) * 2 * np.pi / 24)[:, None]))
    assert fitted.calendar == ("day", "week")
    known = fitted.apply(part(counted(100))).take(torch.tensor([0]))["known"][0]
    assert known.shape == (72, 4)
    torch.testing.assert_close(known[24:48, :2], known[48:, :2])


@pytest.mark.parametrize(("period", "found"), [(24, 24), (37, 37)])
def test_a_season_is_that_of_the_calendar_unless_the_values_clearly_say_otherwise(period: int, found: int) -> None:
    random = np.random.default_rng(0)
    values = np.sin(np.arange(2_000) * 2 * np.pi / period) ** 3 + 0.05 * random.normal(size=2_000)
    assert find_season(values[:, None], Interval("time", HOUR))[0] == found


def test_noise_has_the_calendars_season_and_counted_times_have_none() -> None:
    noise = np.random.default_rng(0).normal(size=(2_000, 1))
    assert find_season(noise, Interval("time", HOUR))[0] == 24
    assert find_season(noise, Interval("number", 1))[0] == 1


@pytest.mark.parametrize(
    ("season", "horizon", "train", "length"),
    [(24, 96, 8_640, 504), (12, 24, 96, 24), (12, 24, 5_000, 252), (1, 10, 1_000, 96), (7, 7, 40, 7), (1, 5, 20, 5)],
)
def test_the_window_is_seasons_as_far_as_the_data_reach(season: int, horizon: int, train: int, length: int) -> None:
    assert choose_length(season=season, horizon=horizon, train=train)[0] == length


def test_seasonal_naive_says_the_last_season_again() -> None:
    fitted = Timeline(length=30, horizon=50, season=24).fit(part(counted(200)))
    windows = fitted.windows(part(counted(200)))
    said = windows.raw(last_season(windows, slice(0, 1), season=24))[0, :, 0]
    np.testing.assert_allclose(said[:26], [*range(6, 30), 6, 7])


class Known(SeasonalNaive):
    """A floor that is off by a known amount."""

    def fit(self, part: Any, truth: np.ndarray, *, num_classes: int, seed: int) -> Any:
        return Off()


class Off(ForecastFitted):
    def __init__(self, off: float = 0.5) -> None:
        self.off = off

    def refitted(self, part: Any) -> "Off":
        return self

    def answers(self, part: Any) -> np.ndarray:
        return np.asarray(part.truths() + self.off)


@pytest.mark.parametrize(
    ("count", "off", "share"),
    [(400, 0.1, ALONE), (400, 3.0, 1.0), (400, -0.5, BOTH), (30, 3.0, 1.0), (30, 0.1, 1.0)],
)
def test_the_floor_is_judged_by_stretches(count: int, off: float, share: float) -> None:
    values = np.random.default_rng(0).normal(size=(count, 1))
    windows = Timeline(length=10, horizon=10, season=1).fit(part(values)).windows(part(values))
    beside = ForecastBeside(Known(), windows, windows, seed=0)
    beside.fit()
    beside.choose(windows.truths() + off, windows)
    assert beside.share == share
    assert "stretch" in beside.reason


@pytest.mark.parametrize(
    ("floor", "network", "said", "share"),
    [
        (0.5, 0.1, "no worse than seasonal-naive, is the safer one", 1.0),
        (0.5, 0.7, "even so the floor's is no larger", 1.0),
        (9.0, 0.1, "and the network is not: the mean of these two leaves", BOTH),
        (9.0, -8.0, "both are worse than seasonal-naive, which leaves in place of the floor", 1.0),
    ],
)
def test_what_is_told_of_few_stretches_agrees_with_the_numbers(floor: float, network: float, said: str, share: float) -> None:
    values = np.random.default_rng(0).normal(size=(30, 1))
    windows = Timeline(length=10, horizon=10, season=1).fit(part(values)).windows(part(values))
    beside = ForecastBeside(Known(), windows, windows, seed=0)
    beside.fitted = beside._judged = Off(floor)
    beside.choose(windows.truths() + network, windows)
    assert beside.share == share
    assert said in beside.reason
    assert f"the network alone {network**2:.4g}" in beside.reason
    assert f"the floor alone {floor**2:.4g}, seasonal-naive" in beside.reason
    is_naive = np.array_equal(beside.answers(windows), last_season(windows, season=1))
    assert is_naive == (floor > 1)


@pytest.mark.parametrize("count", [30, 400])
def test_seasonal_naive_leaves_where_nothing_learned_is_as_good(count: int) -> None:
    values = np.random.default_rng(0).normal(size=(count, 1))
    windows = Timeline(length=10, horizon=10, season=1).fit(part(values)).windows(part(values))
    beside = ForecastBeside(Known(), windows, windows, seed=0)
    beside.fitted = beside._judged = Off(9.0)
    beside.choose(windows.truths() + 8.0, windows)
    assert beside.share == 1.0
    assert beside.record()["kind"] == "seasonal_naive"
    np.testing.assert_array_equal(beside.answers(windows), last_season(windows, season=1))
    assert beside.reason.startswith("seasonal-naive, which learned nothing, has the smallest error")
    assert "the network alone 64" in beside.reason


def test_windows_are_held_once_and_counted_only_where_there_are_gaps() -> None:
    values = np.random.default_rng(0).normal(size=(5_000, 40))
    fitted = Timeline(length=20, horizon=5, season=24).fit(part(values[:, :8]))
    rows = fitted.apply(part(values[:, :8]))
    assert rows.past_TC is rows.target_TC
    assert rows._count_TC is None
    others = rows.at(np.array([7]))
    assert others.past_TC is rows.past_TC
    assert torch.equal(others.take(torch.tensor([0]))["target"], rows.take(torch.tensor([7]))["target"])
    values[3, 0] = np.nan
    assert fitted.apply(part(values[:, :8]))._count_TC is not None


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("calendar",), ["foo"]),
        (("interval", "kind"), "zzz"),
        (("interval", "day"), 40),
        (("reading",), {"path": "/etc/passwd"}),
        (("reading", "columns"), "abc"),
    ],
)
def test_a_preprocessing_that_somebody_else_wrote_is_checked(place: tuple[str, ...], value: object) -> None:
    fitted = Timeline(length=20, horizon=5, season=24).fit(part(np.random.default_rng(0).normal(size=(900, 1))))
    state = fitted.state()
    assert Timeline().restore(state).state() == state
    inner = state
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    with pytest.raises((ValueError, BorderError)):
        Timeline().restore(state)
