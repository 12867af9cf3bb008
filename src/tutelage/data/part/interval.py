"""How far apart the times of a series are: equal steps, calendar months, or working days; which time comes next."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

__all__ = ["Interval", "find_interval", "is_few", "iso_time", "say_time", "written_times"]

MILLISECOND, SECOND = 1_000, 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND
"""Microseconds."""
UNITS = (
    (7 * DAY, "week"),
    (DAY, "day"),
    (HOUR, "hour"),
    (MINUTE, "minute"),
    (SECOND, "second"),
    (MILLISECOND, "millisecond"),
    (1, "microsecond"),
)
MONTHS = ((12, "year"), (3, "quarter"), (1, "month"))
LONGEST_IN_SEASON = 10_000
"""Steps of the longest season that is looked for."""
CALENDAR_DAYS = {1: (28, 31), 2: (59, 62), 3: (89, 92), 4: (120, 123), 6: (181, 184), 12: (365, 366)}
"""Fewest and most days of some months."""

LEAST_DAYS, LEAST_DAYS_WITH_ODD = 10, 20
"""Days from which on they are taken for working days: where none is a Saturday or Sunday, and where a few are."""
FEW = 0.02
"""Share of the times that may be odd ones; one may be in any case."""

Kind = Literal["time", "month", "working_day", "number"]


@dataclass(frozen=True)
class Interval:
    """The step from one time to the next.

    Attributes:
        kind: `time` = always as long; `month` = calendar months; `working_day` = Monday to Friday; `number` = times are counted.
        size: Microseconds, months, days or numbers in a step, > 0.
        day: Of months: the day that times are on, 1 to 31; the last one where a month has fewer.
    """

    kind: Kind
    size: int
    day: int = 1

    @property
    def unit(self) -> str:
        """What a step is called, such as `hour` or `15 minutes`."""
        if self.kind == "number":
            return "step"
        if self.kind == "working_day":
            return "working day"
        return next((name for size, name in self._named if size == self.size), self.say())

    def say(self, count: int = 1) -> str:
        """Write some steps, such as `3 hours` or `15 minutes`."""
        if self.kind in ("number", "working_day"):
            return _plural(count, self.unit)
        size, name = next((size, name) for size, name in self._named if self.size % size == 0)
        return _plural(count * (self.size // size), name)

    def say_span(self, count: int) -> str:
        """Write some steps, such as `24 hours`; where a step is several of a unit, count and length: `96 steps (1 day)`."""
        if self.kind != "time" or self.size in dict(UNITS):
            return self.say(count)
        return f"{_plural(count, 'step')} ({replace(self, size=count * self.size).say()})"

    @property
    def _named(self) -> tuple[tuple[int, str], ...]:
        return MONTHS if self.kind == "month" else UNITS

    def places(self, time_T: np.ndarray, *, origin: int) -> np.ndarray:
        """Return how many steps after an origin each time is, float64 [T]; whole numbers where they are on the grid."""
        if self.kind == "month":
            month_T = time_T.astype("datetime64[us]").astype("datetime64[M]")
            due_T = self._due(month_T) + _within_day(origin)
            off_T = (time_T - due_T) / (_days_of(month_T) * DAY)
            return np.asarray((month_T.astype(np.int64) - _month(origin) + off_T) / self.size)
        if self.kind == "working_day":
            days = time_T.astype("datetime64[us]").astype("datetime64[D]")
            count_T = np.busday_count(np.datetime64(origin, "us").astype("datetime64[D]"), days)
            off_T = np.where(np.is_busday(days), (time_T % DAY - _within_day(origin)) / DAY, 0.5)
            return np.asarray(count_T + off_T)
        return np.asarray((time_T - origin) / self.size)

    def has_days(self, time_T: np.ndarray) -> np.ndarray:
        """Tell which times are on days that it knows at all, bool [T]: working days know no Saturdays and Sundays."""
        if self.kind != "working_day":
            return np.ones(len(time_T), dtype=bool)
        return np.asarray(np.is_busday(time_T.astype("datetime64[us]").astype("datetime64[D]")))

    def is_step_of(self, time_T: np.ndarray) -> bool:
        """Tell whether most times, which rise, are one such step apart."""
        return bool(abs(np.median(np.diff(self.places(time_T, origin=int(time_T[0])))) - 1) < 0.5)

    def times(self, origin: int, count: int) -> np.ndarray:
        """Return `count` times from an origin on, int64 [count], microseconds since 1970 or plain numbers."""
        return self.after(origin, np.arange(count, dtype=np.int64))

    def after(self, origin: int, step_N: np.ndarray) -> np.ndarray:
        """Return the times that are so many steps after an origin, int64 [N]; `step_N` are whole numbers from 0 on."""
        if self.kind == "working_day":
            day = np.datetime64(origin, "us").astype("datetime64[D]")
            days = np.busday_offset(day, step_N, roll="forward")
            return np.asarray(days.astype("datetime64[us]").astype(np.int64) + _within_day(origin))
        if self.kind != "month":
            return np.asarray(origin + step_N * self.size)
        return self._due((_month(origin) + step_N * self.size).astype("datetime64[M]")) + _within_day(origin)

    def _due(self, month_T: np.ndarray) -> np.ndarray:
        """Return the beginning of the day that times are on in each month, int64 [T], in microseconds since 1970."""
        days = month_T.astype("datetime64[D]") + (np.minimum(self.day, _days_of(month_T)) - 1).astype("timedelta64[D]")
        return np.asarray(days.astype("datetime64[us]").astype(np.int64))

    def seasons(self) -> tuple[int, ...]:
        """Return how many steps things of everyday life take to come again, the commonest first."""
        if self.kind == "working_day":
            return (5,)
        if self.kind == "month":
            return (12 // self.size,) if self.size < 12 and 12 % self.size == 0 else ()
        if self.kind == "number":
            return ()
        if self.size == 7 * DAY:
            return (52,)
        whole = [period // self.size for period in (DAY, 7 * DAY) if period % self.size == 0 and period > self.size]
        found = [*whole, *([HOUR // self.size] if self.size < MINUTE and HOUR % self.size == 0 else [])]
        return tuple(steps for steps in found if 1 < steps <= LONGEST_IN_SEASON)

    def state(self) -> dict[str, Any]:
        """Return it as JSON values; `Interval(**state)` takes it back."""
        return {"kind": self.kind, "size": self.size, "day": self.day}


def find_interval(time_T: np.ndarray, *, is_number: bool) -> Interval:
    """Return the step between times that rise, each once, [T] with T >= 2: the median, or what the calendar says."""
    step_T = np.diff(time_T)
    middle = int(np.median(step_T))
    if is_number:
        return Interval("number", max(1, middle))
    days = middle / DAY
    for months, (fewest, most) in CALENDAR_DAYS.items():
        if fewest <= days <= most:
            found = _by_month(time_T, months)
            if found is not None:
                return found
    if middle == DAY and _is_working(time_T):
        return Interval("working_day", 1)
    return Interval("time", max(1, middle))


def is_few(is_odd_T: np.ndarray) -> bool:
    """Tell whether so few of some times are odd that they say nothing of the step."""
    return bool(is_odd_T.sum() <= max(1, FEW * len(is_odd_T)))


def say_time(time: int, *, is_number: bool = False) -> str:
    """Write a time as people do, such as `2016-07-01 00:00`."""
    if is_number:
        return str(time)
    text = str(np.datetime64(int(time), "us")).replace("T", " ").removesuffix(".000000")
    return text.removesuffix(" 00:00:00").removesuffix(":00") if text.count(":") == 2 else text


def iso_time(time: int, interval: Interval) -> str:
    """Write a time as programs do, such as `2016-07-01T00:00:00`; a plain number as it is."""
    return str(time) if interval.kind == "number" else str(np.datetime64(int(time), "us")).removesuffix(".000000")


def written_times(time_T: np.ndarray, interval: Interval, *, offset: str = "") -> list[str]:
    """Write times as in a table, all in one way: without hours where all are at midnight, without seconds where none has any.

    An offset from UTC, such as `+01:00`, stands behind each, which then has its hours.
    """
    if interval.kind == "number":
        return [str(time) for time in time_T.tolist()]
    if not (time_T % DAY).any() and not offset:
        unit = "D"
    else:
        unit = "m" if not (time_T % MINUTE).any() else "s" if not (time_T % SECOND).any() else "us"
    return [str(time).replace("T", " ") + offset for time in time_T.astype("datetime64[us]").astype(f"datetime64[{unit}]")]


def _by_month(time_T: np.ndarray, months: int) -> Interval | None:
    """Return calendar months as the step where the days of the times go with it."""
    day_T = time_T.astype("datetime64[us]").astype("datetime64[D]")
    month_T = day_T.astype("datetime64[M]")
    number_T = (day_T - month_T.astype("datetime64[D]")).astype(np.int64)
    last_T = ((month_T + np.timedelta64(1, "M")).astype("datetime64[D]") - month_T.astype("datetime64[D]")).astype(np.int64) - 1
    if len(np.unique(number_T)) > 1 and (number_T == last_T).all():
        return Interval("month", months, day=31)
    most = int(number_T.max())
    return Interval("month", months, day=most + 1) if (number_T == np.minimum(most, last_T)).all() else None


def _is_working(time_T: np.ndarray) -> bool:
    """Tell whether two weeks and more of days have no Saturdays and Sundays; of a month and more a few may be such."""
    is_odd_T = ~Interval("working_day", 1).has_days(time_T)
    return len(time_T) >= (LEAST_DAYS_WITH_ODD if is_odd_T.any() else LEAST_DAYS) and is_few(is_odd_T)


def _month(time: int) -> int:
    """Return the number of the month since 1970 that a time is in."""
    return int(np.datetime64(int(time), "us").astype("datetime64[M]").astype(np.int64))


def _within_day(time: int) -> int:
    """Return how many microseconds after the beginning of its day a time is."""
    return int(time) % DAY


def _days_of(month_T: np.ndarray) -> np.ndarray:
    """Return how many days each month has, int64 [T]."""
    return np.asarray(
        ((month_T + np.timedelta64(1, "M")).astype("datetime64[D]") - month_T.astype("datetime64[D]")).astype(np.int64)
    )


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"
