"""What readers of series give, how numbers are read, and what cannot stand; not a component."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tutelage.data.part.series import SeriesPart, as_objects

__all__ = ["BadNumber", "RowProblem", "SeriesFile", "SeriesRow", "numbers", "row_problem", "series_part"]

MISSING = {"?": "nan", "": "nan"}
"""How a missing value may be written, beside NaN."""


class BadNumber(ValueError):  # noqa: N818 - it is turned into a problem of the data, and never leaves the readers
    """A cell that is no number; its text says which."""


LARGEST = 1e100
"""Numbers beyond cannot be squared and summed."""


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


def row_problem(row: SeriesRow, *, channels: int, needs_labels: bool) -> RowProblem | None:
    """Return what is wrong with a series; None where it can stand."""
    values_TC = row.values
    if values_TC.shape[1] != channels:
        remedy = "Give each series the same dimensions, in the same order."
        return RowProblem(row.where, f"{values_TC.shape[1]} dimensions, where {channels} were expected", remedy)
    if len(values_TC) < 2:
        found = "a series of no values" if not len(values_TC) else "a series of one value"
        return RowProblem(row.where, found, "A series needs two times at least: give it whole, or leave it out.")
    if np.isinf(values_TC).any():
        time, dimension = (int(place[0]) + 1 for place in np.nonzero(np.isinf(values_TC)))
        at = f"value {time} of dimension {dimension}" if channels > 1 else f"value {time}"
        return RowProblem(row.where, f"{at} is infinite", "Write ? or NaN for a value that is missing.")
    huge = np.argwhere(np.abs(values_TC) > LARGEST)
    if len(huge):
        cell = f"value {int(huge[0][0]) + 1} is {values_TC[tuple(huge[0])]:g}"
        remedy = "Write ? or NaN for a value that is missing, or measure in a larger unit."
        return RowProblem(row.where, f"{cell}, which no model can compute with (limit {LARGEST:g})", remedy)
    if np.isnan(values_TC).all():
        return RowProblem(row.where, "all values are missing", "Leave the series out.")
    if needs_labels and row.label is None:
        return RowProblem(row.where, "its label is missing", "Write the label, or leave the series out.")
    return None


def series_part(name: str, rows: Sequence[SeriesRow], target: str, *, reading: Mapping[str, Any] | None = None) -> SeriesPart:
    """Put series together; the fingerprint is that of values and labels."""
    labels = [row.label for row in rows]
    has_labels = any(label is not None for label in labels)
    digest = hashlib.sha256(repr(labels).encode("utf-8", "surrogatepass"))
    for row in rows:
        digest.update(repr(row.values.shape).encode() + row.values.tobytes())
    part = SeriesPart(
        name=name,
        series=as_objects([row.values for row in rows]),
        labels=as_objects(labels) if has_labels else None,
        names=as_objects([row.where for row in rows]),
        fingerprint=digest.hexdigest(),
        target=target,
        reading=reading or {},
    )
    is_number = has_labels and all(isinstance(label, float) for label in labels)
    return replace(part, labels=np.array(labels, dtype=np.float64)) if is_number else part
