"""Which values are missing within the times of a table, after its last value, and between two tables; not a component.

Times of which no row tells are gaps: these are told by themselves.
"""

import numpy as np

from tutelage.data.part.stretch import Stretch

__all__ = ["say_between", "say_empty", "say_end", "say_missing"]

MOST_NAMED = 6
STAND = "Before a moment earlier values stand for them, and as truth they count nowhere"


def say_empty(whole: Stretch, *, horizon: int) -> list[str]:
    """Tell how many values of each series are missing, and where the longest stretch is; nothing where none is.

    Args:
        whole: Times up to the last one at which anything was measured.
        horizon: Steps ahead: a series that ends so long before the others is told of elsewhere.
    """
    is_row_T = np.ones(len(whole), dtype=bool)
    for place, count in whole.gaps:
        is_row_T[place : place + count] = False
    found = []
    for number, name in enumerate(whole.series):
        is_empty_T = np.isnan(whole.values[:, number])
        measured = np.flatnonzero(~is_empty_T)
        if not len(measured):
            continue  # told by who read the table
        # Of series below each other one that begins later has no cell before.
        first = int(measured[0]) if whole.reading.get("series_id") else 0
        last = int(measured[-1]) + 1 if len(whole) - int(measured[-1]) > horizon else len(whole)
        is_empty_T = is_empty_T & is_row_T
        is_empty_T[:first] = is_empty_T[last:] = False
        if is_empty_T.any():
            found.append((int(is_empty_T.sum()), name, _longest(is_empty_T)))
    found.sort(key=lambda one: -one[0])
    if not found:
        return []
    named = "; ".join(_told(whole, name, count, longest) for count, name, longest in found[:MOST_NAMED])
    more = f"; and {len(found) - MOST_NAMED:,} more series" if len(found) > MOST_NAMED else ""
    return [f"{whole.file}: values are missing at times that the table has: {named}{more}. {STAND}"]


def say_end(whole: Stretch) -> list[str]:
    """Tell of times after the last value of all series, where nothing says that they are given for what is known of them."""
    last = whole.count_measured()
    if last == len(whole) or whole.known_names or not last:
        return []
    count, span = len(whole) - last, whole.say(last)
    after = f"the {count:,} times after it, from {span} to {whole.say(len(whole) - 1)}, are" if count > 1 else f"{span} is"
    found = f"{whole.file}: the last value is that of {whole.say(last - 1)}, and {after} empty"
    return [f"{found}: left out, and forecasts begin right after the last value. Give the values, where there are any"]


def say_between(whole: Stretch, test: Stretch) -> list[str]:
    """Tell of times between a table to learn from and a later one to test on, and of gaps in the latter.

    Raises:
        DataError: The later table does not come after, or is not on the grid.
    """
    _, place = whole.followed_by(test)
    told, count = [], place - len(whole)
    if count > 0:
        span = f"{whole.interval.say_span(count)} lie between the last time of {whole.file}, {whole.say(len(whole) - 1)}, and"
        found = f"{test.file}: {span} its first, {test.say(0)}: nothing is known of them"
        told.append(f"{found}. {STAND}: the first forecasts of the test are made from old values")
    return told + _say_gaps(test)


def say_missing(seen: Stretch, *, horizon: int) -> list[str]:
    """Tell of gaps and of empty cells among times that answers depend on; nothing where there are none."""
    return _say_gaps(seen) + say_empty(seen, horizon=horizon)


def _say_gaps(seen: Stretch) -> list[str]:
    """Tell of times within a table that it does not have."""
    gaps = seen.say_gaps()
    return [f"{seen.file}: {gaps}: not measured; earlier values stand for them"] if gaps else []


def _longest(is_empty_T: np.ndarray) -> tuple[int, int]:
    """Return where the longest stretch of empty cells begins, and how many these are."""
    edges = np.flatnonzero(np.diff(np.r_[False, is_empty_T, False].astype(np.int8)))
    begins, ends = edges[::2], edges[1::2]
    which = int(np.argmax(ends - begins))
    return int(begins[which]), int(ends[which] - begins[which])


def _told(whole: Stretch, name: str, count: int, longest: tuple[int, int]) -> str:
    """Write how many values of a series are missing, and the longest stretch of them."""
    begin, size = longest
    if size == 1:
        return f"{name} {count:,} of {len(whole):,} (never two together, first at {whole.say(begin)})"
    where = f"from {whole.say(begin)} to {whole.say(begin + size - 1)}"
    return f"{name} {count:,} of {len(whole):,} (the longest stretch {size:,} times, {where})"
