"""What readers of series give, line by line, and how numbers are read; not a component."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["BadNumber", "RowProblem", "SeriesFile", "SeriesRow", "numbers"]

MISSING = {"?": "nan", "": "nan"}
"""How a missing value may be written, beside NaN."""


class BadNumber(ValueError):  # noqa: N818 - it is turned into a problem of the data, and never leaves the readers
    """A cell that is no number; its text says which."""


@dataclass(frozen=True)
class SeriesRow:
    """One series.

    Attributes:
        where: Its place in the file.
        values: float64 [T, C]; NaN where a value is missing.
        label: A word or a number; None where there is none.
    """

    where: str
    values: np.ndarray
    label: str | float | None


@dataclass(frozen=True)
class RowProblem:
    """A line that is no series: its place, what is there, and what to do."""

    where: str
    found: str
    remedy: str


@dataclass(frozen=True)
class SeriesFile:
    """A file of series.

    Attributes:
        rows: In the order of the file, what cannot be read among them.
        channels: Values at a time, where the file says it; 0 elsewhere.
        target: What the labels are called; "" where that is not known.
    """

    rows: tuple[SeriesRow | RowProblem, ...]
    channels: int = 0
    target: str = ""


def numbers(cells: Sequence[str]) -> np.ndarray:
    """Return cells as float64 [T]; a missing one is NaN.

    Raises:
        BadNumber: One of them is no number.

    Example:
        >>> numbers(["1.5", "?", "2"]).tolist()
        [1.5, nan, 2.0]
    """
    try:
        return np.array(cells, dtype=np.float64)
    except ValueError:
        pass  # missing values, or something else
    values = np.empty(len(cells))
    for place, cell in enumerate(cells):
        word = cell.strip()
        try:
            values[place] = float(MISSING.get(word, word))
        except ValueError:
            raise BadNumber(f"value {place + 1} is {word[:40]!r}, no number") from None
    return values
