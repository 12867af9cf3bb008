"""Columns as the checks compare them: codes or numbers of a bounded number of rows, evenly spaced."""

import numpy as np
import pyarrow as pa

from tutelage.data.part.base import RowsPart
from tutelage.data.prepare.cells import plain

__all__ = ["codes_of", "numbers_of", "say_sample", "sample_rows"]

MAX_ROWS = 20_000
MAX_CELLS = 500_000
"""Cells that are looked at in all: a quarter of a second on one core."""
MIN_ROWS = 1_000


def sample_rows(part: RowsPart) -> RowsPart:
    """Return evenly spaced rows of a large part, all rows of others."""
    count = min(MAX_ROWS, max(MIN_ROWS, MAX_CELLS // max(len(part.columns), 1)))
    return part if len(part) <= count else part.select(np.linspace(0, len(part) - 1, count).astype(np.int64))


def say_sample(sample: RowsPart, part: RowsPart) -> str:
    """Say that not all rows were looked at, where that is so."""
    return "" if len(sample) == len(part) else f" (seen in {len(sample):,} of {len(part):,} rows, evenly spaced)"


def codes_of(cells: pa.ChunkedArray) -> np.ndarray:
    """Return a number for each cell, from 0, equal where the values are; missing cells share the last one, int64 [N]."""
    coded = plain(cells).combine_chunks().dictionary_encode()
    codes: np.ndarray = coded.indices.fill_null(len(coded.dictionary)).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes


def numbers_of(cells: pa.ChunkedArray) -> np.ndarray | None:
    """Return a column of numbers as float64 [N], NaN where one is missing; None for other columns."""
    kind = cells.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers: np.ndarray = cells.cast(pa.float64(), safe=False).to_numpy()
        return numbers
    return None
