"""Encoders of number and date columns.

Not a component.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.data.prepare.cells import read_dates, read_numbers, read_words
from tutelage.data.prepare.encoded import Encoded, Rules
from tutelage.data.prepare.scaling import FIT_SCALE, Scale, StandardScale

__all__ = ["DateEncoder", "NumberEncoder", "date_parts", "fit_date", "fit_number", "flattened_by"]

LEAST_SPREAD = 1e-4
"""Deviations between which most numbers of a column have to lie: fewer are next to nothing beside other columns."""
DATE_PARTS = ("year", "days", "month sin", "month cos", "weekday sin", "weekday cos", "hour sin", "hour cos")


@dataclass(frozen=True)
class NumberEncoder:
    """A number, scaled; where train cells were missing also a flag that says so."""

    name: str
    scale: Scale
    has_missing: bool
    missing_words: tuple[str, ...]
    expected: str = "a number"

    @property
    def number_names(self) -> tuple[str, ...]:
        """The column."""
        return (self.name,)

    @property
    def code_names(self) -> tuple[str, ...]:
        """The flag, if any."""
        return (f"{self.name} is missing",) if self.has_missing else ()

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Two for the flag."""
        return (2,) if self.has_missing else ()

    def apply(self, column: pa.ChunkedArray) -> Encoded:
        """Return the scaled number (missing: the middle) and the flag."""
        read = read_numbers(column)
        unreadable = read.unreadable
        if self.missing_words and unreadable.any():
            known = pc.is_in(read_words(column), value_set=pa.array(self.missing_words))
            unreadable = unreadable & ~known.to_numpy()
        flags = (np.isnan(read.values).astype(np.int64),) if self.has_missing else ()
        return Encoded((self.scale.apply(read.values),), flags, unreadable)

    def how(self, cell: pa.ChunkedArray) -> str:
        """Write how one number is scaled."""
        return self.scale.how(float(read_numbers(cell).values[0]))

    def state(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "encoder": "number",
            "name": self.name,
            "scale": self.scale.state(),
            "has_missing": self.has_missing,
            "missing_words": list(self.missing_words),
        }


@dataclass(frozen=True)
class DateEncoder:
    """A date as numbers: year, days, and month, weekday and hour on circles, as far as they vary in the train rows."""

    name: str
    scales: Mapping[str, Scale]
    has_missing: bool
    expected: str = "a date such as 2024-02-28"

    @property
    def number_names(self) -> tuple[str, ...]:
        """One name per part."""
        return tuple(f"{self.name} {part}" for part in self.scales)

    @property
    def code_names(self) -> tuple[str, ...]:
        """The flag, if any."""
        return (f"{self.name} is missing",) if self.has_missing else ()

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Two for the flag."""
        return (2,) if self.has_missing else ()

    def apply(self, column: pa.ChunkedArray) -> Encoded:
        """Return the scaled parts and the flag."""
        read = read_dates(column)
        flags = (np.isnan(read.values).astype(np.int64),) if self.has_missing else ()
        return Encoded(
            tuple(scale.apply(date_part(read.values, part)) for part, scale in self.scales.items()), flags, read.unreadable
        )

    def how(self, cell: pa.ChunkedArray) -> str:
        """Name the parts of the date."""
        return f"the date's {', '.join(self.scales)}, each scaled"

    def state(self) -> dict[str, Any]:
        """Return JSON values."""
        scales = {part: scale.state() for part, scale in self.scales.items()}
        return {"encoder": "date", "name": self.name, "scales": scales, "has_missing": self.has_missing}


def fit_number(name: str, column: pa.ChunkedArray, rules: Rules) -> NumberEncoder:
    """Fit a number; words among train cells are remembered as meaning "missing"."""
    read = read_numbers(column)
    odd = pc.filter(read_words(column), pa.array(read.unreadable)).to_pylist() if read.unreadable.any() else []
    return NumberEncoder(name, _fit_scale(read.values, rules), bool(np.isnan(read.values).any()), tuple(sorted(set(odd))))


def fit_date(name: str, column: pa.ChunkedArray, rules: Rules) -> DateEncoder:
    """Fit a date; parts that are the same in all train rows are left out."""
    days = read_dates(column).values
    missing = np.isnan(days)
    scales = {}
    for part in DATE_PARTS if not missing.all() else ():
        values = date_part(days, part)
        if np.nanmin(values) != np.nanmax(values):
            scales[part] = _fit_scale(values, rules)
    return DateEncoder(name, scales, bool(missing.any()))


def flattened_by(encoder: NumberEncoder, column: pa.ChunkedArray) -> tuple[float, float, int] | None:
    """Find a number beside which the others of a column are scaled to one and the same; None where there is none.

    Returns:
        Between what the middle four fifths lie, and the row of the number that is farthest away.
    """
    values = read_numbers(column).values
    known = np.flatnonzero(np.isfinite(values))
    if not isinstance(encoder.scale, StandardScale) or not known.size:
        return None
    low, high = np.quantile(values[known], [0.1, 0.9], method="lower")
    spread = high / encoder.scale.deviation - low / encoder.scale.deviation
    if low == high or spread > LEAST_SPREAD:
        return None
    # Halves, since the distance itself may be beyond all numbers.
    return float(low), float(high), int(known[np.argmax(np.abs(values[known] / 2 - low / 2))])


def date_parts(days: np.ndarray) -> dict[str, np.ndarray]:
    """Split days since 1970 (float64 [N], NaN where missing) into parts; month, weekday and hour lie on circles.

    Example:
        >>> parts = date_parts(np.array([0.25]))  # Thursday, 1 January 1970, 6 o'clock
        >>> {name: round(float(values[0]), 3) for name, values in parts.items()}  # doctest: +NORMALIZE_WHITESPACE
        {'year': 1970.0, 'days': 0.25, 'month sin': 0.0, 'month cos': 1.0, 'weekday sin': 0.434, 'weekday cos': -0.901,
         'hour sin': 1.0, 'hour cos': 0.0}
    """
    return {part: date_part(days, part) for part in DATE_PARTS}


def date_part(days: np.ndarray, part: str) -> np.ndarray:
    """Return one of the parts, float64 [N]; of a long column one after the other costs less memory than all at once."""
    if part == "days":
        return days
    missing = np.isnan(days)
    whole = np.floor(np.where(missing, 0.0, days)).astype("datetime64[D]")
    unit, _, wave = part.partition(" ")
    if unit == "year":
        values = (1970 + whole.astype("datetime64[M]").astype(np.int64) // 12).astype(np.float64)
    else:
        turn = _turn(days, whole, unit)
        values = (np.sin if wave == "sin" else np.cos)(2 * np.pi * turn)
    values[missing] = np.nan
    return values


def _turn(days: np.ndarray, whole: np.ndarray, unit: str) -> np.ndarray:
    """Return how far round its circle a part is, in 0..1."""
    if unit == "month":
        month: np.ndarray = whole.astype("datetime64[M]").astype(np.int64) % 12 / 12
        return month
    if unit == "weekday":
        weekday: np.ndarray = (whole.astype(np.int64) + 3) % 7 / 7  # 1970-01-01 was a Thursday
        return weekday
    hour: np.ndarray = days % 1.0
    return hour


def _fit_scale(values: np.ndarray, rules: Rules) -> Scale:
    """Fit the scale that the rules ask for."""
    return FIT_SCALE[rules.scale](values, clip=rules.clip)
