"""When clocks are put forward or back: local times that never come, and local times that come twice; not a component."""

import numpy as np

__all__ = ["AGAIN", "NEVER", "REMEDY", "are_clock_changes", "is_gap_of_clocks"]

HOUR = 3_600_000_000
"""Microseconds."""
MONTHS = (3, 4, 9, 10, 11)
"""In which clocks are changed in nearly all countries that do so, on a Sunday before five o'clock."""
LAST_HOUR = 5

AGAIN = "local times come twice when clocks are put back"
NEVER = "local times leave out an hour when clocks are put forward"
REMEDY = "Write times in UTC, or each with its offset from UTC, such as {time}+01:00."


def are_clock_changes(time_N: np.ndarray) -> bool:
    """Tell whether all times, microseconds since 1970, are such at which clocks are changed; False where there are none."""
    moment_N = time_N.astype("datetime64[us]")
    # Day 0, 1970-01-01, was a Thursday.
    is_sunday_N = moment_N.astype("datetime64[D]").astype(np.int64) % 7 == 3
    is_month_N = np.isin(moment_N.astype("datetime64[M]").astype(np.int64) % 12 + 1, MONTHS)
    is_early_N = time_N % (24 * HOUR) < LAST_HOUR * HOUR
    return bool(len(time_N) and (is_sunday_N & is_month_N & is_early_N).all())


def is_gap_of_clocks(first: int, *, step: int, count: int) -> bool:
    """Tell whether missing times, from a first one on, are the hour that is left out when clocks are put forward.

    Args:
        first: Microseconds since 1970.
        step: Microseconds from one time to the next.
        count: How many are missing.
    """
    return step * count == HOUR and are_clock_changes(np.array([first]))
