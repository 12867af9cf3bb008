"""Times that are not written as dates: 20220131 as a whole number, seconds since 1970, a time of day alone; not a component."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.data.part.table import TablePart

__all__ = ["clock_column", "compact_times", "epoch_unit"]

YEARS = (1900, 2100)
"""In which whole numbers that look like dates have to lie."""
YEAR_DIGITS = 4
CLOCK_UNITS = ((23, 3_600_000_000), (59, 60_000_000), (59, 1_000_000))
"""Of hour, minute and second: the largest one, and how many microseconds it is."""
CLOCK = r"^\s*[0-2]?[0-9]:[0-5][0-9](:[0-5][0-9])?\s*([AaPp][Mm])?\s*$"
EPOCHS = (1_000_000_000, 2_000_000_000)
"""Seconds since 1970 that are taken for times: from 2001 to 2033."""


def compact_times(cells: pa.ChunkedArray) -> np.ndarray | None:
    """Return the times, microseconds since 1970, int64 [N], of whole numbers that are written like dates; None where any is not.

    These are 202201, 20220131, and with hours, minutes and seconds 2022013118, 202201311830, 20220131183005: all of them alike.

    Example:
        >>> cells = pa.chunked_array([[20220131, None, 20220201]])
        >>> compact_times(cells).astype("datetime64[us]").astype("datetime64[D]").astype(str).tolist()
        ['2022-01-31', '1970-01-01', '2022-02-01']
    """
    if not pa.types.is_integer(cells.type) or cells.null_count == len(cells):
        return None
    is_known_N = pc.is_valid(cells).to_numpy(zero_copy_only=False)
    number_N = pc.fill_null(cells.cast(pa.int64()), 0).to_numpy()[is_known_N]
    if number_N.max() < YEARS[0] * 100:  # years alone, or plain counts
        return None
    year_N, month_N, day_N, *clock = _fields(number_N)
    if not ((year_N >= YEARS[0]) & (year_N <= YEARS[1]) & (month_N >= 1) & (month_N <= 12) & (day_N >= 1)).all():
        return None
    begin_N = ((year_N - 1970) * 12 + month_N - 1).astype("datetime64[M]")
    days_N = begin_N.astype("datetime64[D]") + (day_N - 1)
    if (days_N.astype("datetime64[M]") != begin_N).any():
        return None
    time_N = np.zeros(len(cells), dtype=np.int64)
    time_N[is_known_N] = days_N.astype("datetime64[us]").astype(np.int64)
    for value_N, (most, size) in zip(clock, CLOCK_UNITS, strict=False):
        if (value_N > most).any():
            return None
        time_N[is_known_N] += value_N * size
    return time_N


def _fields(number_N: np.ndarray) -> list[np.ndarray]:
    """Take numbers such as 202201311830 apart: year, month, day, and as many of hour, minute and second as there are digits."""
    pairs: list[np.ndarray] = []
    for _ in range(max(len(str(int(number_N.max()))) - YEAR_DIGITS, 0) // 2):
        number_N, pair_N = number_N // 100, number_N % 100
        pairs.insert(0, pair_N)
    first = np.ones_like(number_N)
    return [number_N, *pairs, *[first] * (2 - len(pairs))]


def epoch_unit(cells: pa.ChunkedArray) -> int:
    """Return how many of a column's numbers are a second, where they are times since 1970, in this century; 0 where not."""
    if not pa.types.is_integer(cells.type) or cells.null_count == len(cells):
        return 0
    ends = pc.min_max(cells)
    return next(
        (unit for unit in (1, 1_000) if EPOCHS[0] * unit <= ends["min"].as_py() <= ends["max"].as_py() <= EPOCHS[1] * unit), 0
    )


def clock_column(part: TablePart, names: Sequence[str]) -> str:
    """Return the first of some columns that holds nothing but times of day, such as 18:00; "" where none does."""
    for name in names:
        kind = part.types[name]
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            continue
        cells = part.column(name).drop_null()
        if len(cells) and pc.all(pc.match_substring_regex(cells, CLOCK)).as_py():
            return name
    return ""
