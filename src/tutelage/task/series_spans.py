"""Which series have too few values, end before the others, or were not measured in the train times; not a component."""

from collections.abc import Sequence

import numpy as np

from tutelage.core.errors import DataError, DataProblem
from tutelage.data.part.stretch import Stretch

__all__ = ["measured_series", "say_begun_late", "say_left_out", "say_short"]

MOST_NAMED = 6


def measured_series(whole: Stretch, *, train: int) -> tuple[str, ...]:
    """Return the series that were measured in the first `train` times: of others neither scale nor course is known.

    Raises:
        DataError: There is none.
    """
    is_known_C = (~np.isnan(whole.values[:train])).any(axis=0)
    if not is_known_C.any():
        found = f"no series has a value up to {whole.say(train - 1)}, where the train part ends"
        raise DataError(
            [DataProblem(whole.file, found, "Give a longer table, or a smaller --set split.validation and split.test.")]
        )
    return tuple(name for name, is_known in zip(whole.series, is_known_C.tolist(), strict=True) if is_known)


def say_left_out(whole: Stretch, names: Sequence[str], *, train: int) -> str:
    """Tell of series that are left out, since nothing was measured of them in the train times."""
    told = _named(whole, [whole.series.index(name) for name in names[:MOST_NAMED]], "first", count=len(names))
    found = f"{whole.file}: left out, since there is no value up to {whole.say(train - 1)}, where the train part ends: {told}"
    remedy = "train again once they are longer, or make split.validation and split.test smaller"
    return f"{found}. Neither learned from nor forecast; {remedy}"


def say_short(whole: Stretch, *, train: int, test: int, length: int, horizon: int) -> list[str]:
    """Tell of series that end long before the last time, or have fewer values to learn from than one window takes.

    Args:
        whole: All times.
        train: How many of them are learned from.
        test: Place of the first test time.
        length: Times before the moment.
        horizon: Times after it.
    """
    early, short = [], []
    end = whole.count_measured()
    for number in range(len(whole.series)):
        place_N = np.flatnonzero(~np.isnan(whole.values[:, number]))
        if not len(place_N):
            continue  # told by who read the table
        if int(place_N[-1]) < end - horizon:
            early.append((number, int(place_N[-1]) < test))
        elif int((place_N < train).sum()) < length + horizon:
            short.append(number)
    told = []
    if early:
        named = _named(whole, [number for number, _ in early], "last", count=len(early))
        found = (
            f"{whole.file}: {_many(len(early), whole)} end a horizon or more before the last time, {whole.say(end - 1)}: {named}"
        )
        untested = sum(is_before for _, is_before in early)
        tested = (
            f"; {untested:,} of them end before the test part, from {whole.say(test)}, and are not tested" if untested else ""
        )
        becomes = "They are learned from as far as they go, and forecast after the last time, from old values: rely on none of it"
        told.append(f"{found}. {becomes}{tested}. Give their later values, or remove them")
    if short:
        named = _named(whole, short, "first", count=len(short))
        found = f"{whole.file}: {_many(len(short), whole)} have fewer values to learn from than one window with its horizon "
        becomes = (
            "What is missing before a moment is filled, and their scale comes from few values: expect less of their forecasts"
        )
        told.append(f"{found}({length:,} + {horizon:,} times): {named}. {becomes}")
    return told


def say_begun_late(part: Stretch, *, first: int, last: int) -> list[str]:
    """Tell of series whose first value lies within the window from which they are continued.

    Args:
        part: The series.
        first: Place of the window's first time.
        last: Place of its last one.
    """
    late = [
        number
        for number in range(len(part.series))
        if (~np.isnan(part.values[first : last + 1, number])).any() and np.isnan(part.values[: first + 1, number]).all()
    ]
    if not late:
        return []
    found = (
        f"{part.file}: {_many(len(late), part)} have fewer values than the {last + 1 - first:,} times that the model looks at: "
    )
    named = _named(part, late, "first", count=len(late))
    return [f"{found}{named}. What is missing before is filled: expect less of their forecasts. Give their earlier values"]


def _told(whole: Stretch, number: int, end: str) -> str:
    """Write a series with how many values it has, and its first or last time."""
    place_N, name = np.flatnonzero(~np.isnan(whole.values[:, number])), whole.series[number]
    if not len(place_N):
        return f"{name} (no value)"
    word, place = ("up to", place_N[-1]) if end == "last" else ("from", place_N[0])
    return f"{name} ({len(place_N):,} value{'s' * (len(place_N) != 1)}, {word} {whole.say(int(place))})"


def _many(count: int, whole: Stretch) -> str:
    return f"{count:,} of {len(whole.series):,} series"


def _named(whole: Stretch, numbers: Sequence[int], end: str, *, count: int) -> str:
    """Write the first of `count` series, and how many more there are."""
    told = [_told(whole, number, end) for number in numbers[:MOST_NAMED]]
    return ", ".join(told) + (f" and {count - MOST_NAMED:,} more" if count > MOST_NAMED else "")
