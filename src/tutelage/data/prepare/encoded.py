"""What every column encoder is: fitted on train cells, it turns cells into numbers and category codes.

Code 0 always means "none of the known": an unseen or rare word, a flag that is not set. Models give it a vector of
zeros, so that nothing untrained enters a prediction. Not a component.
"""

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import pyarrow as pa

from tutelage.data.prepare.change import Change, say_value

__all__ = ["Encoded", "Encoder", "Rules", "changed_cell", "smallest_type"]

MAX_FLAGS = 8
"""Codes of a cell that are written one by one."""


@dataclass(frozen=True)
class Rules:
    """How columns are fitted; see the settings of `prepare/table.py`."""

    scale: Literal["quantile", "standard"]
    clip: float
    rare: int


@dataclass(frozen=True)
class Encoded:
    """A column as the model takes it.

    Attributes:
        numbers: float32 [N] each.
        codes: int64 [N] each, 0 = none of the known.
        unreadable: bool [N], cells that do not fit the column's role.
    """

    numbers: tuple[np.ndarray, ...] = ()
    codes: tuple[np.ndarray, ...] = ()
    unreadable: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))


def smallest_type(num_codes: int) -> type[np.integer[Any]]:
    """Return the smallest type that torch computes with which holds the codes 0 .. `num_codes` - 1."""
    if num_codes <= 2**8:
        return np.uint8
    return np.int16 if num_codes <= 2**15 else np.int32


class Encoder(Protocol):
    """A fitted column."""

    @property
    def name(self) -> str:
        """Name of the column."""

    @property
    def expected(self) -> str:
        """What its cells must be, in words, such as `a number`."""

    @property
    def number_names(self) -> tuple[str, ...]:
        """Names of the numbers it gives."""

    @property
    def code_names(self) -> tuple[str, ...]:
        """Names of the codes it gives."""

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """For each code the number of its values, 0 included."""

    def apply(self, column: pa.ChunkedArray) -> Encoded:
        """Turn cells into numbers and codes."""

    def how(self, cell: pa.ChunkedArray) -> str:
        """Write what becomes of one cell, and why."""

    def state(self) -> dict[str, Any]:
        """Return what was fitted as JSON values; `restore_encoder` takes it back."""


def changed_cell(encoder: Encoder, cell: pa.ChunkedArray) -> Change:
    """Return what becomes of one cell, in words."""
    encoded, before = encoder.apply(cell), cell[0].as_py()
    numbers = [say_value(float(values[0])) for values in encoded.numbers]
    codes = [int(codes[0]) for codes in encoded.codes]
    shown = f"code {codes[0]}" if len(codes) == 1 else f"codes {' '.join(map(str, codes[:MAX_FLAGS]))}"
    after = [", ".join(numbers)] * bool(numbers) + [shown + " ..." * (len(codes) > MAX_FLAGS)] * bool(codes)
    return Change(encoder.name, "(missing)" if before is None else str(before), "; ".join(after), encoder.how(cell))
