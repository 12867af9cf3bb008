"""The UCR archive's text files: a series a line, its label first, apart by tabs, commas or blanks; not a component."""

import re
from collections.abc import Sequence

import numpy as np

from tutelage.data.source.series_lines import BadNumber, RowProblem, SeriesFile, SeriesRow, numbers

__all__ = ["is_ucr_line", "read_ucr"]

LEAST_CELLS = 4
"""Cells of a line, from which on a pair of files is taken for series; a table of fewer columns is none."""
BLANKS = re.compile(r"\s+")


def is_ucr_line(line: str) -> bool:
    r"""Tell whether a first line is a series and not the header of a table.

    Example:
        >>> is_ucr_line("1\t0.5\t0.25\t0.125"), is_ucr_line("class\ta\tb\tc")
        (True, False)
    """
    cells = _cells(line.strip())
    try:
        numbers(cells)
    except BadNumber:
        return False
    return len(cells) >= LEAST_CELLS


def read_ucr(lines: Sequence[str], file: str) -> SeriesFile:
    """Read a file; missing values at the end of a line are those of a shorter series, as in the archive."""
    rows = [_row(line, f"{file} line {number}") for number, line in enumerate(lines, start=1) if line.strip()]
    return SeriesFile(tuple(rows), channels=1, target="class")


def _row(line: str, where: str) -> SeriesRow | RowProblem:
    """Read one line."""
    label, *cells = _cells(line.strip())
    try:
        values_T = numbers(cells)
    except BadNumber as bad:
        return RowProblem(where, str(bad), "Write a number, or NaN where a value is missing.")
    known = np.flatnonzero(~np.isnan(values_T))
    whole_T = values_T[: known[-1] + 1] if len(known) else values_T
    return SeriesRow(where, whole_T[:, None], _label(label))


def _cells(line: str) -> list[str]:
    """Return the cells of a line, by the first of tab, comma and blanks that is in it."""
    for divider in ("\t", ","):
        if divider in line:
            return line.split(divider)
    return BLANKS.split(line)


def _label(cell: str) -> str | None:
    """Return the name of a class: older files write 1 as 1.0000000e+00."""
    word = cell.strip()
    try:
        number = float(word)
    except ValueError:
        return word if word and word != "?" else None
    if not np.isfinite(number):
        return None
    return str(int(number)) if number.is_integer() else word
