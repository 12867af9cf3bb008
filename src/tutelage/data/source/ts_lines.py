"""sktime's `.ts` format: lines with @, then a series a line, dimensions and label apart by colons; not a component."""

import re
from collections.abc import Sequence

import numpy as np

from tutelage.core.errors import DataError, DataProblem
from tutelage.data.source.series_lines import BadNumber, RowProblem, SeriesFile, SeriesRow, numbers

__all__ = ["read_ts"]

TRUE = "true"
CELLS = re.compile(r"[,\s]+")
ADD_DATA = (
    "Expected sktime's .ts format: lines that begin with @, a line @data, then the series. Write @data above the first series."
)
NUMBER_REMEDY = "Write a number, or ? where a value is missing."


def read_ts(lines: Sequence[str], file: str, *, needs_labels: bool = True) -> SeriesFile:
    """Read a file.

    Args:
        lines: Of the file.
        file: Its name, for messages.
        needs_labels: Whether series without labels are of no use; else a file without any may promise them in its header.

    Raises:
        DataError: It has no @data, its series have times of their own, or none has the label that the header promises.
    """
    header: dict[str, list[str]] = {}
    begin = None
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if not words[0].startswith("@"):
            found = f"{line[:40]!r}, though there is no line @data before it"
            raise DataError([DataProblem(f"{file} line {number}", found, ADD_DATA)])
        if words[0].casefold() == "@data":
            begin = number
            break
        header[words[0][1:].casefold()] = words[1:]
    if begin is None:
        raise DataError([DataProblem(file, "no line @data", ADD_DATA)])
    if _says(header, "timestamps"):
        remedy = "Write the values alone, evenly spaced in time, and @timeStamps false."
        raise DataError([DataProblem(file, "@timeStamps true: each value has a time of its own, which is not read", remedy)])
    has_class, has_number = _says(header, "classlabel"), _says(header, "targetlabel")
    classes = header.get("classlabel", [])[1:]
    channels = _channels(header)
    told = [(number, line) for number, line in enumerate(lines[begin:], start=begin + 1) if line.strip() and line[0] != "#"]
    if len(told) > 1 and (has_class or has_number) and not any(":" in line for _, line in told):
        if needs_labels:
            found = f"no label in any of the {len(told):,} series: no line has a colon, though the header promises labels"
            raise DataError([DataProblem(file, found, "Write after the values of each series a colon, and its label.")])
        has_class = has_number = False
    rows = [
        _row(line, f"{file} line {number}", has_label=has_class or has_number, is_number=has_number, classes=classes)
        for number, line in told
    ]
    return SeriesFile(tuple(rows), channels, "class" if has_class else "target" if has_number else "")


def _says(header: dict[str, list[str]], key: str) -> bool:
    """Tell whether something is said to be so."""
    return [word.casefold() for word in header.get(key, [])[:1]] == [TRUE]


def _channels(header: dict[str, list[str]]) -> int:
    """Return how many dimensions the header promises; 0 where it does not say."""
    if _says(header, "univariate"):
        return 1
    said = next(iter(header.get("dimensions", header.get("dimension", []))), "")
    return int(said) if said.isdecimal() else 0


def _row(line: str, where: str, *, has_label: bool, is_number: bool, classes: Sequence[str]) -> SeriesRow | RowProblem:
    """Read one line."""
    *dimensions, last = line.split(":") if has_label else (*line.split(":"), "")
    label: str | float | None = last.strip() if last.strip() not in ("", "?") else None
    if not dimensions:
        return RowProblem(where, "no label, or no values: there is no colon", "Write the values, a colon, and the label.")
    if is_number and label is not None:
        try:
            label = float(label)
        except ValueError:
            return RowProblem(where, f"the label {label!r} is no number", "Write a number after the last colon.")
    elif label is not None and classes and label not in classes:
        named = ", ".join(classes[:8])
        return RowProblem(
            where, f"the label {str(label)[:40]!r} is none of those in @classLabel ({named})", "Mend the label or the header."
        )
    columns = []
    for place, text in enumerate(dimensions, start=1):
        cells = CELLS.split(text.strip()) if "," not in text else text.split(",")
        try:
            columns.append(numbers(cells if cells != [""] else []))
        except BadNumber as bad:
            within = f"dimension {place}: " if len(dimensions) > 1 else ""
            return RowProblem(where, f"{within}{bad}", NUMBER_REMEDY)
    lengths = sorted({len(column) for column in columns})
    if len(lengths) > 1:
        found = f"dimensions of different lengths ({', '.join(map(str, lengths[:6]))} values)"
        return RowProblem(where, found, "Give each dimension as many values; ? stands for a missing one.")
    return SeriesRow(where, np.column_stack(columns), label)
