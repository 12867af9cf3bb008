"""The step between times: equal, by the calendar or by working days; which time comes next."""

import tracemalloc

import numpy as np
import pytest

from tutelage.data.part.interval import DAY, HOUR, Interval, find_interval, say_time
from tutelage.data.part.timeline import TimelinePart


def times(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[us]").astype(np.int64)


def months(first: str, count: int, step: int = 1) -> np.ndarray:
    return (np.datetime64(first, "M") + step * np.arange(count)).astype("datetime64[us]").astype(np.int64)


@pytest.mark.parametrize(
    ("time_T", "said", "seasons"),
    [
        (np.arange(50) * HOUR, "1 hour", (24, 168)),
        (np.arange(50) * HOUR // 4, "15 minutes", (96, 672)),
        (np.arange(50) * DAY, "1 day", (7,)),
        (np.arange(50) * 7 * DAY, "1 week", (52,)),
        (months("1949-01", 40), "1 month", (12,)),
        (months("1949-01", 40, 3), "1 quarter", (4,)),
        (months("1949-01", 40, 12), "1 year", ()),
    ],
)
def test_a_step_is_found_with_its_seasons(time_T: np.ndarray, said: str, seasons: tuple[int, ...]) -> None:
    found = find_interval(time_T, is_number=False)
    assert found.say() == said
    assert found.seasons() == seasons
    np.testing.assert_array_equal(found.times(int(time_T[0]), len(time_T)), time_T)
    np.testing.assert_array_equal(found.places(time_T, origin=int(time_T[0])), np.arange(len(time_T)))


def test_the_last_days_of_months_stay_the_last() -> None:
    time_T = times("2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30")
    found = find_interval(time_T, is_number=False)
    assert found == Interval("month", 1, day=31)
    assert say_time(int(found.times(int(time_T[0]), 5)[-1])) == "2024-05-31"


def test_days_without_week_ends_are_working_days() -> None:
    days = np.busday_offset(np.datetime64("2024-01-01"), np.arange(30)).astype("datetime64[us]").astype(np.int64)
    found = find_interval(days, is_number=False)
    assert found.kind == "working_day"
    np.testing.assert_array_equal(found.times(int(days[0]), 30), days)
    np.testing.assert_array_equal(found.places(days, origin=int(days[0])), np.arange(30))


def test_a_single_saturday_among_working_days_does_not_make_them_days() -> None:
    days = np.busday_offset(np.datetime64("2024-01-01"), np.arange(30))
    odd = np.sort(np.append(days, np.datetime64("2024-01-13"))).astype("datetime64[us]").astype(np.int64)
    assert find_interval(odd, is_number=False).kind == "working_day"
    every_saturday = np.sort(np.append(days, np.arange("2024-01-06", "2024-02-10", 7, dtype="datetime64[D]")))
    assert find_interval(every_saturday.astype("datetime64[us]").astype(np.int64), is_number=False) == Interval("time", DAY)
    assert find_interval(np.arange(12) * DAY, is_number=False) == Interval("time", DAY), "days with the week ends that there are"


def test_a_few_gaps_do_not_change_the_step() -> None:
    time_T = np.delete(np.arange(60) * HOUR, [3, 4, 5, 30])
    assert find_interval(time_T, is_number=False).say() == "1 hour"


def test_plain_numbers_are_counted() -> None:
    found = find_interval(np.arange(0, 20, 2), is_number=True)
    assert found == Interval("number", 2)
    assert found.unit == "step"


def test_the_day_of_the_month_is_kept_over_short_months() -> None:
    time_T = times("2024-01-30", "2024-02-29", "2024-03-30", "2024-04-30")
    found = find_interval(time_T, is_number=False)
    assert found == Interval("month", 1, day=30)
    np.testing.assert_array_equal(found.times(int(time_T[1]), 3), time_T[1:])
    assert Interval(**found.state()) == found


@pytest.mark.parametrize(
    ("interval", "first", "other"),
    [
        (Interval("working_day", 1), "2024-01-05", "2024-01-06"),
        (Interval("working_day", 1), "2024-01-05", "2024-01-08T12:00"),
        (Interval("month", 1), "2024-01-01", "2024-02-15"),
        (Interval("month", 1, day=31), "2024-01-31", "2024-03-15"),
    ],
)
def test_days_and_hours_that_the_calendar_does_not_have_are_off_the_grid(interval: Interval, first: str, other: str) -> None:
    time_T = times(first, other)
    place = interval.places(time_T, origin=int(time_T[0]))[1]
    assert abs(place - round(place)) > 0.3


def test_a_step_is_told_from_others() -> None:
    week = np.busday_offset(np.datetime64("2024-01-04"), np.arange(9)).astype("datetime64[us]").astype(np.int64)
    assert Interval("working_day", 1).is_step_of(week)
    assert not Interval("time", HOUR).is_step_of(week)
    assert not Interval("time", HOUR).is_step_of(np.arange(9) * 2 * HOUR)
    assert Interval("month", 1, day=30).is_step_of(times("2024-02-29", "2024-03-30", "2024-04-30"))


def test_a_season_of_quarter_hours_is_said_in_steps_and_days() -> None:
    assert Interval("time", 15 * 60 * 1_000_000).say_span(96) == "96 steps (1 day)"
    assert Interval("time", 3_600 * 1_000_000).say_span(24) == "24 hours"
    assert Interval("working_day", 1).say_span(5) == "5 working days"


@pytest.mark.parametrize("interval", [Interval("time", HOUR), Interval("month", 3, day=31), Interval("working_day", 1)])
def test_a_single_time_far_away_is_found_without_those_before(interval: Interval) -> None:
    origin = int(times("2024-01-31")[0])
    np.testing.assert_array_equal(interval.after(origin, np.array([0, 700, 3])), interval.times(origin, 701)[[0, 700, 3]])
    values = np.zeros((1, 1))
    part = TimelinePart("x", values, values[:, :0], origin, Interval("time", HOUR), ("a",), (), "x.csv", "")
    tracemalloc.start()
    assert part.say(3_000_000) == say_time(origin + 3_000_000 * HOUR)
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()
