"""Dates along an axis: what time a step is, and round times to label."""

import calendar
import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["Clock", "clock_of"]

SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}
MONTHS = {"month": 1, "quarter": 3, "year": 12}
DAY = 86_400
SECOND_STRIDES = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, DAY, 2 * DAY, 7 * DAY, 14 * DAY,
)  # fmt: skip
"""Seconds between labels, from which the smallest is taken that leaves them room; then come months."""
MONTH_STRIDES = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1_200, 2_400, 6_000, 12_000)
MONDAY = datetime(1970, 1, 5)
"""Round times are counted from here, so that weeks begin on a Monday."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The times of evenly spaced steps.

    Attributes:
        start: Time of step 1.
        seconds: From a step to the next; 0 where steps are months.
        months: From a step to the next; 0 where steps are seconds.
    """

    start: datetime
    seconds: float = 0.0
    months: int = 0

    def at(self, step: float) -> datetime:
        """Return the time of a step."""
        if not self.months:
            return self.start + timedelta(seconds=self.seconds * (step - 1))
        year, month = divmod(self.start.year * 12 + self.start.month - 1 + round(self.months * (step - 1)), 12)
        day = min(self.start.day, calendar.monthrange(year, month + 1)[1])
        return self.start.replace(year=year, month=month + 1, day=day)

    def say(self, step: float) -> str:
        """Write the time of a step, as exact as the steps are."""
        when = self.at(step)
        if self.months:
            return f"{when.year}" if self.months % 12 == 0 else f"{when:%b} {when.year}"
        clock = f" {when:%H:%M}" if self.seconds % DAY else ""
        return f"{when.day} {when:%b} {when.year}{clock}" + (f":{when:%S}" if self.seconds % 60 else "")

    def marks(self, first: int, last: int, *, count: int = 6) -> tuple[tuple[float, str], ...]:
        """Return about `count` round times from one step to another, as steps with their labels."""
        if self.months:
            return self._months(first, last, max(self.months, self._months_apart(first, last) / count))
        rough = self.seconds * (last - first) / count
        stride = next((stride for stride in SECOND_STRIDES if stride >= max(rough, self.seconds) * 0.99), None)
        if stride is None:
            return self._months(first, last, rough / (30.4 * DAY))
        offset = (self.at(first) - MONDAY).total_seconds()
        found = []
        for number in range(math.ceil(offset / stride), math.floor((offset + self.seconds * (last - first)) / stride) + 1):
            when = MONDAY + timedelta(seconds=number * stride)
            is_day = stride >= DAY or (when.hour, when.minute, when.second) == (0, 0, 0)
            label = f"{when.day} {when:%b}" if is_day else f"{when:%H:%M}" if stride >= 60 else f"{when:%H:%M:%S}"
            found.append((first + (number * stride - offset) / self.seconds, label))
        return tuple(found)

    def _months(self, first: int, last: int, rough: float) -> tuple[tuple[float, str], ...]:
        """Return beginnings of months or years."""
        stride = next((stride for stride in MONTH_STRIDES if stride >= rough * 0.99), MONTH_STRIDES[-1])
        begin, end = (when.year * 12 + when.month - 1 for when in (self.at(first), self.at(last)))
        found = []
        for number in range(math.ceil(begin / stride) * stride, end + 1, stride):
            year, month = divmod(number, 12)
            when = datetime(year, month + 1, 1)
            if self.months and self.months % 12 == 0:
                place = first + (year - begin // 12) * 12 / self.months
            elif self.months:
                place = first + (number - begin) / self.months
            else:
                place = first + (when - self.at(first)).total_seconds() / self.seconds
            if first <= place <= last:
                found.append((place, f"{year}" if stride % 12 == 0 else f"{when:%b} {year}"))
        return tuple(found)

    def _months_apart(self, first: int, last: int) -> int:
        return self.months * (last - first)


def clock_of(start: str, unit: str, *, first: int, last: int) -> Clock | None:
    """Return the times of steps; None where they cannot be told, or not for all steps.

    Args:
        start: Time of step 1, in ISO form.
        unit: From a step to the next, such as `hour` or `15 minutes`.
        first: Least step that will be asked for.
        last: Largest one.
    """
    found = re.fullmatch(r"(?:(\d{1,6}) )?([a-z]+?)s?", unit)
    try:
        begin = datetime.fromisoformat(start).replace(tzinfo=None)
        number, word = (int(found[1] or 1), found[2]) if found else (0, "")
        clock = Clock(begin, seconds=float(number * SECONDS.get(word, 0)), months=number * MONTHS.get(word, 0))
        clock.at(first)
        clock.at(last)
    except (ValueError, OverflowError):
        return None
    return clock if clock.seconds or clock.months else None
