"""Empty cells, times after the last value, times between two tables, and outliers are named before training."""

from pathlib import Path

import numpy as np
import pytest

from tutelage.core.errors import DataError
from tutelage.data.part.interval import DAY, Interval
from tutelage.data.part.timeline import TimelinePart
from tutelage.data.source.timeline import Timeline as TimelineSource
from tutelage.planning.recipe import Recipe
from tutelage.task.empty_cells import say_between, say_empty, say_end
from tutelage.task.forecast import Forecast
from tutelage.task.outlying_values import say_outlying

DAYS = Interval("time", DAY)


def days(values: np.ndarray, *, start: int = 0, gaps: tuple[tuple[int, int], ...] = (), by: str = "") -> TimelinePart:
    values = values.reshape(len(values), -1)
    names = tuple("abcdefghij"[: values.shape[1]])
    known = np.empty((len(values), 0))
    reading = {"series_id": by}
    return TimelinePart("train", values, known, start * DAY, DAYS, names, (), "x.csv", "", gaps, reading)


def waves(count: int, series: int = 1) -> np.ndarray:
    random = np.random.default_rng(0)
    return np.asarray(10 + np.sin(np.arange(count)[:, None]) + 0.1 * random.normal(size=(count, series)))


def test_empty_cells_are_counted_by_series_with_their_longest_stretch() -> None:
    values = waves(100, 3)
    values[10:14, 0] = values[50, 0] = values[[20, 40], 2] = np.nan
    (told,) = say_empty(days(values), horizon=7)
    assert "a 5 of 100 (the longest stretch 4 times, from 1970-01-11 to 1970-01-14)" in told
    assert "c 2 of 100 (never two together, first at 1970-01-21)" in told
    assert "; b" not in told
    assert "earlier values stand for them" in told


def test_times_that_the_table_does_not_have_are_no_empty_cells() -> None:
    values = waves(100)
    values[30:40] = np.nan
    assert say_empty(days(values, gaps=((30, 10),)), horizon=7) == []
    assert say_empty(days(waves(100)), horizon=7) == []


@pytest.mark.parametrize("by", ["", "shop"])
def test_before_its_first_value_a_column_has_cells_and_a_shop_has_none(by: str) -> None:
    values = waves(100, 2)
    values[:30, 1] = np.nan
    assert bool(say_empty(days(values, by=by), horizon=7)) == (not by)


def test_a_series_that_ends_early_is_told_of_where_others_do_not() -> None:
    values = waves(100, 2)
    values[97:, 1] = np.nan
    assert "b 3 of 100" in say_empty(days(values), horizon=7)[0]
    values[60:, 1] = np.nan
    assert say_empty(days(values), horizon=7) == [], "say_short tells of it"


def test_times_after_the_last_value_are_told_unless_they_are_there_for_what_is_known() -> None:
    values = waves(100)
    values[90:] = np.nan
    (told,) = say_end(days(values))
    assert "the last value is that of 1970-03-31, and the 10 times after it, from 1970-04-01 to 1970-04-10, are empty" in told
    values[90:99] = 1
    assert "and 1970-04-10 is empty" in say_end(days(values))[0]
    assert say_end(days(waves(100))) == []


def test_what_lies_between_two_tables_is_told() -> None:
    train = days(waves(100))
    assert say_between(train, days(waves(50), start=100)) == []
    (told,) = say_between(train, days(waves(50), start=115))
    assert "15 days lie between the last time of x.csv, 1970-04-10, and its first, 1970-04-26" in told
    assert "1 gap, of 3 days" in say_between(train, days(waves(50), start=100, gaps=((10, 3),)))[0]
    with pytest.raises(DataError, match="the test part begins"):
        say_between(train, days(waves(50), start=50))


def test_a_run_tells_all_of_it_before_training(tmp_path: Path) -> None:
    dates = np.datetime64("2021-01-01") + np.arange(420)
    cells = [f"{value:.3f}" for value in waves(420)[:, 0]]
    cells[100:105] = [""] * 5
    cells[200] = "1e12"
    train = [*cells[:290], *[""] * 10]
    for name, span, own in (("train", slice(0, 300), train), ("test", slice(320, 420), cells[320:420])):
        lines = [f"{date},{cell}\n" for date, cell in zip(dates[span], own, strict=True)]
        (tmp_path / f"{name}.csv").write_text("date,y\n" + "".join(lines))
    source = TimelineSource(path=str(tmp_path / "train.csv"), test=str(tmp_path / "test.csv"))
    recipe = Recipe(source="x", task=Forecast(horizon=7))
    told = "\n".join(Forecast(horizon=7).prepare(source.collect(), recipe, reason="").warnings())
    for said in ("the 10 times after it", "y 5 of 290", "30 days lie between", "y = 1e+12 at 2021-07-20"):
        assert said in told


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({50: 1e12}, "a = 1e+12 at 1970-02-20"),
        ({50: -9999.0, 70: -9999.0}, "a = -9999 at 1970-02-20 and 1 more"),
        ({50: 1e308}, "a = 1e+308"),
        ({50: 14.0}, ""),
        (dict.fromkeys(range(0, 100, 5), 100.0), ""),
        ({50: np.nan}, ""),
    ],
)
def test_an_outlier_is_one_that_takes_nearly_all_of_the_spread(changed: dict[int, float], said: str) -> None:
    values = waves(100)
    for place, value in changed.items():
        values[place] = value
    told = say_outlying(days(values))
    assert said in told[0] if said else told == []


def test_a_rare_sale_among_zeros_is_no_outlier() -> None:
    values = np.zeros(100)
    values[50] = 3
    assert say_outlying(days(values)) == []
    assert say_outlying(days(np.full(100, np.nan))) == []
