"""Times that stand in several columns, such as a day and its hour, found by names and numbers; not a component."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.data.part.table import TablePart

__all__ = ["lone_year", "say_join", "second_half", "split_years"]

YEAR_NAMES = ("year", "yr", "yyyy", "jahr", "annee", "ann\u00e9e", "ano", "a\u00f1o")
YEARS = (1000, 2999)
"""Whole numbers that a column of years may hold."""
SECOND_HALVES: dict[str, tuple[int, int]] = {
    **dict.fromkeys(("hour", "hours", "hr", "hour_of_day", "hourofday", "stunde", "heure", "hora", "uhrzeit"), (0, 24)),
    **dict.fromkeys(("minute", "minutes", "minuto"), (0, 1440)),
    **dict.fromkeys(("month", "months", "mon", "monat", "mois", "mes"), (1, 12)),
    **dict.fromkeys(("quarter", "qtr", "quartal", "trimestre"), (1, 4)),
    **dict.fromkeys(("week", "weeks", "wk", "woche", "semaine", "semana", "isoweek", "week_of_year"), (1, 53)),
    **dict.fromkeys(("day", "day_of_month", "tag", "jour", "dia"), (1, 31)),
}
"""Names of columns that hold the smaller half of a time, and between which numbers theirs lie."""
AS_WRITTEN = {
    24: "2020-12-31 18:00",
    1440: "2020-12-31 18:05",
    12: "2020-12",
    4: "2020-10",
    53: "2020-12-28",
    31: "2020-12-31",
}
"""The whole time, by the largest number of its smaller half."""

WITHIN_YEARS = (12, 4, 53)
"""The largest numbers of months, quarters and weeks."""
DAYS = 31
WITHIN_MONTHS = (DAYS, 24, 1440)


def second_half(part: TablePart, time: str, *, row_N: np.ndarray, time_N: np.ndarray) -> str:
    """Return the column that makes the times of rows unique as the smaller half of these; "" where none does.

    Args:
        part: The table.
        time: The column of times.
        row_N: Numbers of its rows, [N].
        time_N: Their times, [N].
    """
    for name in part.columns:
        if name == time or not _is_half(part, name):
            continue
        half_N = part.column(name).combine_chunks().take(pa.array(row_N)).to_numpy(zero_copy_only=False)
        if len(np.unique(np.column_stack([time_N, half_N.astype(np.int64)]), axis=0)) == len(time_N):
            return name
    return ""


def split_years(part: TablePart) -> tuple[str, ...]:
    """Return the columns of year, month and so on of a table without dates, the largest first; () where it has no such."""
    years = [name for name in part.columns if _plain(name) in YEAR_NAMES]
    found = {SECOND_HALVES[_plain(name)][1]: name for name in reversed(part.columns) if _is_half(part, name)}
    within = next((most for most in WITHIN_YEARS if most in found), 0)
    if len(years) != 1 or not within:
        return ()
    smaller = [found[most] for most in WITHIN_MONTHS if most in found] if within == WITHIN_YEARS[0] and DAYS in found else []
    return (years[0], found[within], *smaller)


def lone_year(part: TablePart) -> str:
    """Return the only column that is called a year and holds years as whole numbers, where nothing divides them; "" if none."""
    years = [name for name in part.columns if _plain(name) in YEAR_NAMES]
    if len(years) != 1 or not pa.types.is_integer(part.types[years[0]]) or split_years(part):
        return ""
    ends = pc.min_max(part.column(years[0]))
    is_year = (
        len(part) > 0
        and part.column(years[0]).null_count == 0
        and YEARS[0] <= ends["min"].as_py() <= ends["max"].as_py() <= YEARS[1]
    )
    return years[0] if is_year else ""


def say_join(part: TablePart, *names: str) -> str:
    """Say how columns are joined into one, the largest first, with an example of what is written then."""
    written = AS_WRITTEN[SECOND_HALVES[_plain(names[-1])][1]]
    own = _and(f"{name} {_cell(part, name)}" for name in names)
    return f"Join {_and(names)} into one column, written like {written} (the first row has {own})."


def _is_half(part: TablePart, name: str) -> bool:
    """Tell whether a column is called like the smaller half of a time, and holds whole numbers of that kind."""
    bounds = SECOND_HALVES.get(_plain(name))
    if bounds is None or not pa.types.is_integer(part.types[name]) or part.column(name).null_count:
        return False
    ends = pc.min_max(part.column(name))
    return len(part) > 0 and bounds[0] <= ends["min"].as_py() and ends["max"].as_py() <= bounds[1]


def _and(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}"


def _plain(name: str) -> str:
    return name.strip().casefold().replace(" ", "_")


def _cell(part: TablePart, name: str) -> str:
    """Write the first cell of a column."""
    text = str(part.column(name)[0].as_py())
    return text.removesuffix(" 00:00:00")
