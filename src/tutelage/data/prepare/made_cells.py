"""Columns of a table as numbers that a generator can make, and back: each knows its width, its cells and what they become again.

Not a component: `prepare/made_table.py` uses it. A choice is one of a few values: as many numbers, one of them 1, the others 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.core.typed import take
from tutelage.data.prepare.cells import MICROSECONDS_PER_DAY, plain, read_dates, read_numbers
from tutelage.data.prepare.scaling import QuantileScale, fit_quantile, restore_scale

__all__ = ["Blank", "Choice", "Made", "Quantity", "fit_choice", "fit_quantity", "restore_made"]

MOST_DIGITS = 6
"""Decimals beyond which a number counts as not rounded."""
WHOLE, HALF, ODD = "int64", "float", "float64"
"""Types of numbers: what tables are read to is one of these, `float` has 4 bytes."""


class Made(Protocol):
    """A fitted column."""

    @property
    def name(self) -> str:
        """Name of the column."""

    @property
    def groups(self) -> tuple[int, ...]:
        """The numbers it takes, in order: 1 for a quantity, the count of the values for a choice; () for none."""

    def encode(self, column: pa.ChunkedArray) -> np.ndarray:
        """Turn cells into float32 [N, width]."""

    def decode(self, numbers: np.ndarray) -> pa.Array:
        """Turn float32 [N, width] into cells."""

    def state(self) -> dict[str, Any]:
        """Return what was fitted as JSON values; `restore_made` takes it back."""


@dataclass(frozen=True)
class Quantity:
    """A number or a date, by its rank on the normal distribution; where cells were missing also the choice whether it is.

    Attributes:
        type: What cells are: int64, float (of 4 bytes), float64, or a timestamp.
        scale: By rank, so that what is made has the distribution of the column whatever it is.
        digits: Decimals that cells are written with (dates: 0 = whole days); None = as many as there are.
    """

    name: str
    type: str
    scale: QuantileScale
    digits: int | None
    has_missing: bool

    @property
    def groups(self) -> tuple[int, ...]:
        """The rank, and the choice."""
        return (1, 2) if self.has_missing else (1,)

    def encode(self, column: pa.ChunkedArray) -> np.ndarray:
        """Return the rank (missing: the middle), and whether the cell is there or missing."""
        values = _values(column, is_date=self._is_date)
        rank, is_missing = self.scale.apply(values), np.isnan(values)
        columns = [rank, ~is_missing, is_missing] if self.has_missing else [rank]
        return np.stack(columns, axis=1).astype(np.float32)

    def decode(self, numbers: np.ndarray) -> pa.Array:
        """Return the quantity at each rank, rounded as the cells were."""
        values = self.scale.undo(numbers[:, 0])
        if self.digits is not None:
            values = np.round(values, self.digits)
        mask = numbers[:, 2] > numbers[:, 1] if self.has_missing else None
        if self._is_date:
            moments = np.round(values * MICROSECONDS_PER_DAY).astype(np.int64)
            return pa.array(moments, mask=mask).cast(pa.timestamp("us"))
        kind = {WHOLE: np.int64, HALF: np.float32}.get(self.type, np.float64)
        return pa.array(values.astype(kind), mask=mask)

    def state(self) -> dict[str, Any]:
        """Return JSON values."""
        told = {"name": self.name, "type": self.type, "digits": self.digits, "has_missing": self.has_missing}
        return {"made": "quantity", "scale": self.scale.state(), **told}

    @property
    def _is_date(self) -> bool:
        return self.type not in (WHOLE, HALF, ODD)


@dataclass(frozen=True)
class Choice:
    """One of a few values, such as words; what is missing is a value too (None).

    Attributes:
        values: By falling count; a cell that holds none of them chooses nothing.
        type: What cells are: a string, a bool, int64.
    """

    name: str
    type: str
    values: tuple[str | int | bool | None, ...]

    @property
    def groups(self) -> tuple[int, ...]:
        """One for each value."""
        return (len(self.values),)

    def encode(self, column: pa.ChunkedArray) -> np.ndarray:
        """Return a 1 for the value of the cell."""
        place = {value: number for number, value in enumerate(self.values)}
        coded = plain(column).combine_chunks().dictionary_encode(null_encoding="encode")
        codes = np.array([place.get(value, -1) for value in coded.dictionary.to_pylist()] or [-1])
        chosen = codes[coded.indices.to_numpy(zero_copy_only=False)] if len(coded) else np.zeros(0, dtype=np.int64)
        return np.asarray(chosen[:, None] == np.arange(len(self.values)), dtype=np.float32)

    def decode(self, numbers: np.ndarray) -> pa.Array:
        """Return the value whose number is the largest."""
        kind = pa.type_for_alias(self.type)
        return pa.array(list(self.values), type=kind).take(pa.array(numbers.argmax(axis=1)))

    def state(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"made": "choice", "name": self.name, "type": self.type, "values": list(self.values)}


@dataclass(frozen=True)
class Blank:
    """A column that cannot be made, such as texts that all differ: its cells are left empty."""

    name: str
    type: str
    groups: tuple[int, ...] = ()

    def encode(self, column: pa.ChunkedArray) -> np.ndarray:
        """Return nothing, float32 [N, 0]."""
        return np.zeros((len(column), 0), dtype=np.float32)

    def decode(self, numbers: np.ndarray) -> pa.Array:
        """Return empty cells."""
        return pa.nulls(len(numbers), pa.type_for_alias(self.type))

    def state(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"made": "blank", "name": self.name, "type": self.type}


def fit_quantity(name: str, column: pa.ChunkedArray, *, clip: float) -> Quantity:
    """Fit a number or a date.

    Args:
        name: Of the column.
        column: Train cells; words among numbers count as missing.
        clip: Largest rank given out, in deviations.
    """
    is_date = pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)
    kind = str(column.type) if is_date or pa.types.is_integer(column.type) or column.type == pa.float32() else ODD
    values = _values(column, is_date=is_date)
    known = values[np.isfinite(values)]
    digits = (0 if (known == np.floor(known)).all() else None) if is_date else _digits(known)
    return Quantity(name, kind, fit_quantile(known, clip=clip), digits, bool(np.isnan(values).any()))


def fit_choice(name: str, column: pa.ChunkedArray, *, rare: int) -> Choice:
    """Fit a choice; values of fewer than `rare` rows are never made, unless all are as rare."""
    column = plain(column)
    kind = "int64" if pa.types.is_integer(column.type) else "bool" if pa.types.is_boolean(column.type) else "string"
    cells = column if kind != "string" else column.cast(pa.string())
    counts = [(item["counts"], item["values"]) for item in pc.value_counts(cells).to_pylist()]
    ranked = [value for count, value in sorted(counts, key=lambda pair: (-pair[0], str(pair[1]))) if count >= rare]
    return Choice(name, kind, tuple(ranked or sorted({value for _, value in counts}, key=str)))


def restore_made(state: Mapping[str, Any]) -> Made:
    """Rebuild what a column's `state` returned."""
    name, kind = take(state, "name", str), take(state, "type", str)
    match state["made"]:
        case "quantity":
            scale = restore_scale(take(state, "scale", dict))
            assert isinstance(scale, QuantileScale)
            return Quantity(name, kind, scale, take(state, "digits", int | None), take(state, "has_missing", bool))
        case "choice":
            return Choice(name, kind, tuple(take(state, "values", list[Any])))
        case "blank":
            return Blank(name, kind)
    raise ValueError(f"unknown column {state['made']!r}")


def _values(column: pa.ChunkedArray, *, is_date: bool) -> np.ndarray:
    """Return cells as numbers, float64 [N]: NaN where missing; dates as days since 1970."""
    return (read_dates if is_date else read_numbers)(column).values


def _digits(known: np.ndarray) -> int | None:
    """Return with how many decimals all numbers are written; None where they have too many."""
    for digits in range(MOST_DIGITS + 1):
        if np.array_equal(np.round(known, digits), known):
            return digits
    return None
