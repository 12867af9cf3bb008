"""What the calendar says of times: places on the circles of day, week and year, as sines and cosines; not a component."""

from typing import Literal

import numpy as np

from tutelage.data.part.interval import DAY, Interval

__all__ = ["Circle", "calendar_names", "calendar_values"]

Circle = Literal["day", "week", "year"]

WEEK = 7 * DAY


def calendar_names(interval: Interval, *, span: int) -> tuple[Circle, ...]:
    """Return the circles that are worth knowing: longer than a step, and gone round twice within the train times.

    Args:
        interval: The step.
        span: Microseconds from the first to the last train time.
    """
    if interval.kind == "number":
        return ()
    # Of months the longest: twelve of them are no shorter than a year.
    step = {"time": interval.size, "working_day": DAY, "month": interval.size * 31 * DAY}[interval.kind]
    circles: dict[Circle, int] = {"day": DAY, "week": WEEK, "year": 365 * DAY}
    return tuple(name for name, length in circles.items() if step < length and span >= 2 * length)


def calendar_values(time_T: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Return a sine and a cosine for each circle, float32 [T, 2 * len(names)]."""
    moments = time_T.astype("datetime64[us]")
    years = moments.astype("datetime64[Y]")
    first = years.astype("datetime64[us]").astype(np.int64)
    length = (years + np.timedelta64(1, "Y")).astype("datetime64[us]").astype(np.int64) - first
    # 1970 began on a Thursday.
    parts = {"day": (time_T % DAY) / DAY, "week": ((time_T + 3 * DAY) % WEEK) / WEEK, "year": (time_T - first) / length}
    angles = [2 * np.pi * parts[name] for name in names]
    columns = [wave(angle) for angle in angles for wave in (np.sin, np.cos)]
    return np.column_stack(columns).astype(np.float32) if columns else np.empty((len(time_T), 0), np.float32)
