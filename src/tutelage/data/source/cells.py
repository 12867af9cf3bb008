"""Text cells to typed columns: whole numbers, numbers, booleans, dates or text, and missing values however they are spelled.

A column is of a type if all of its cells are, or all but one in twenty: those few cells then count as missing and are told
of. Numbers written with leading zeros are codes (such as postal codes) and stay text.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["DATE", "MISSING", "Style", "Typed", "find_style", "read_cells", "trim"]

MISSING = (
    "",
    "?",
    "-",
    "NA",
    "na",
    "N/A",
    "n/a",
    "#N/A",
    "#NA",
    "NaN",
    "nan",
    "NAN",
    "NULL",
    "null",
    "Null",
    "None",
    "none",
)
"""Spellings of a missing value in feature columns."""

DATE = pa.timestamp("us")
"""The type of all dates and times; those with a time zone are brought to UTC."""

MIN_SHARE = 0.95
"""Share of the cells of a column that must be of a type."""

Style = Literal["empty", "integer", "number", "decimal_comma", "thousands", "boolean", "date", "text"]

INTEGER = r"^-?(0|[1-9][0-9]{0,17})$"
NUMBER = r"^[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
INFINITE = r"(?i)^[+-]?inf(inity)?$"
DECIMAL_COMMA = r"^[+-]?([0-9]{1,3}(\.[0-9]{3})+|0|[1-9][0-9]*)(,[0-9]+)?$"
THOUSANDS = r"^[+-]?[0-9]{1,3}(,[0-9]{3})*(\.[0-9]+)?$"
BOOLEAN = r"(?i)^(true|false)$"

ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?")
DATE_FORMATS = (
    "%Y-%m", "%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y",
    "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %Y", "%Y-%m-%d",
)  # fmt: skip
"""Dates other than ISO; where day and month cannot be told apart, the month comes first."""

TIME_FORMATS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p")


@dataclass(frozen=True, slots=True)
class Typed:
    """A column that was read.

    Attributes:
        values: Values of one type, null where missing or odd.
        odd: Positions of cells that are not of the column's type.
        infinite: Positions of numbers that are not finite.
        note: What is worth telling, or "".
    """

    values: pa.Array
    odd: np.ndarray
    infinite: np.ndarray
    note: str = ""


def trim(column: pa.ChunkedArray) -> pa.Array:
    """Return text cells without blanks at their ends, as one array."""
    trimmed = pc.utf8_trim_whitespace(column)
    combined = trimmed.combine_chunks() if isinstance(trimmed, pa.ChunkedArray) else trimmed
    return combined.cast(pa.large_string())


def find_style(cells: pa.Array, *, delimiter: str) -> Style:
    """Tell how a column is written.

    Args:
        cells: Trimmed text, null where missing.
        delimiter: What divides the cells of the file; `1,234` is read as a thousand and more only in a comma file.
    """
    counts = pc.value_counts(cells.drop_null())
    values, weights = counts.field("values"), counts.field("counts").to_numpy()
    if not len(values):
        return "empty"
    fits = _Fits(values, weights)
    if fits.share(INTEGER) == 1:
        return "integer"
    if fits.share(NUMBER, INFINITE) >= MIN_SHARE:
        return "number"
    comma: tuple[tuple[Style, str], ...] = (("decimal_comma", DECIMAL_COMMA), ("thousands", THOUSANDS))
    for style, pattern in comma if delimiter != "," else comma[::-1]:
        if fits.share(pattern) >= MIN_SHARE:
            return style
    if fits.share(BOOLEAN) == 1:
        return "boolean"
    return "date" if _date_reader(values, weights) else "text"


def read_cells(cells: pa.Array, style: Style) -> Typed:
    """Read trimmed text cells, null where missing, in a given style."""
    none = np.zeros(0, dtype=np.int64)
    if style in ("text", "empty"):
        return Typed(cells.cast(pa.string()) if cells.nbytes < 2**31 else cells, none, none)
    if style == "boolean":
        values = pc.equal(pc.utf8_lower(cells), "true")
        return _without_odd(cells, values, pc.match_substring_regex(cells, BOOLEAN))
    if style == "date":
        return _read_dates(cells)
    if style == "integer":
        fits = pc.match_substring_regex(cells, INTEGER)
        return _without_odd(cells, pc.cast(pc.if_else(fits, cells, None), pa.int64()), fits)
    return _read_numbers(cells, style)


@dataclass(frozen=True, slots=True)
class _Fits:
    """Different values of a column and how often each stands there."""

    values: pa.Array
    counts: np.ndarray

    def share(self, *patterns: str) -> float:
        """Return the share of cells that fit one of the patterns."""
        fits = np.zeros(len(self.values), dtype=bool)
        for pattern in patterns:
            fits |= pc.match_substring_regex(self.values, pattern).to_numpy(zero_copy_only=False)
        return float(self.counts[fits].sum() / self.counts.sum())


def _without_odd(cells: pa.Array, values: pa.Array, fits: pa.Array) -> Typed:
    """Make values null where the cell does not fit, and remember where."""
    odd = np.flatnonzero(pc.and_(pc.is_valid(cells), pc.invert(pc.fill_null(fits, False))).to_numpy(zero_copy_only=False))
    return Typed(pc.if_else(fits, values, None), odd, np.zeros(0, dtype=np.int64))


def _read_numbers(cells: pa.Array, style: Style) -> Typed:
    """Read numbers in any of the three ways of writing them."""
    pattern = {"decimal_comma": DECIMAL_COMMA, "thousands": THOUSANDS}.get(style, NUMBER)
    fits = pc.or_(pc.match_substring_regex(cells, pattern), pc.match_substring_regex(cells, INFINITE))
    plain, note = cells, ""
    if style == "decimal_comma":
        plain = pc.replace_substring(pc.replace_substring(cells, ".", ""), ",", ".")
        note = "numbers are written with a decimal comma"
    elif style == "thousands":
        plain = pc.replace_substring(cells, ",", "")
        note = "commas between digits were read as dividing thousands"
    typed = _without_odd(cells, pc.cast(pc.if_else(fits, plain, None), pa.float64()), fits)
    is_infinite = pc.fill_null(pc.is_inf(typed.values), False).to_numpy(zero_copy_only=False)
    return Typed(typed.values, typed.odd, np.flatnonzero(is_infinite), note)


def _read_dates(cells: pa.Array) -> Typed:
    """Read dates in the way that fits most cells."""
    counts = pc.value_counts(cells.drop_null())
    found = _date_reader(counts.field("values"), counts.field("counts").to_numpy())
    read, note = found or (_read_iso, "")
    coded = cells.dictionary_encode()
    values = pa.array([read(text) for text in coded.dictionary.to_pylist()], type=DATE)
    dates = values.take(coded.indices)
    return Typed(dates, _without_odd(cells, dates, pc.is_valid(dates)).odd, np.zeros(0, dtype=np.int64), note)


def _date_reader(values: pa.Array, counts: np.ndarray) -> tuple[Callable[[str], datetime | None], str] | None:
    """Find the first way of writing dates that fits, with a note where it had to be guessed; None where none fits."""
    texts = values.to_pylist()
    total = int(counts.sum())

    def share(read: Callable[[str], datetime | None]) -> float:
        return float(sum(count for text, count in zip(texts, counts, strict=True) if read(text)) / total)

    probe = texts[int(np.argmax(counts))]
    if not any(char.isdigit() for char in probe) or len(probe) > 40:
        return None
    if _read_iso(probe) and share(_read_iso) >= MIN_SHARE:
        return _read_iso, ""
    fitting = [form for form in _formats_for(texts[:20]) if share(partial(_strptime, form=form)) >= MIN_SHARE]
    if not fitting:
        return None
    is_guess = len(fitting) > 1 and {form[:2] for form in fitting} == {"%m", "%d"}
    note = "day and month cannot be told apart; read with the month first" if is_guess else ""
    return partial(_strptime, form=fitting[0]), note


def _formats_for(sample: list[str]) -> list[str]:
    """Return the formats under which at least one cell of a sample can be read."""
    forms = [date + time for date in DATE_FORMATS for time in TIME_FORMATS]
    return [form for form in forms if any(_strptime(text, form=form) for text in sample)]


def _strptime(text: str, *, form: str) -> datetime | None:
    """Read a date in one format, or return None."""
    try:
        return datetime.strptime(text, form)
    except ValueError:
        return None


def _read_iso(text: str) -> datetime | None:
    """Read an ISO date, brought to UTC if it names a zone, or return None."""
    if not ISO_DATE.fullmatch(text):
        return None
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    return date.astimezone(UTC).replace(tzinfo=None) if date.tzinfo else date
