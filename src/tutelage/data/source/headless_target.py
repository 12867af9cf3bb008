"""Which column of a table without names is to be predicted: the last or the first where that is plain, else it is asked for.

Files of the UCI archive have it at one of their ends. It is plain where only one end holds labels (few different words, or
few whole numbers) and the other one does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow.compute as pc

from tutelage.core.errors import UsageError
from tutelage.data.source.cells import trim
from tutelage.data.source.header import form_of
from tutelage.data.source.raw_table import RawTable
from tutelage.data.source.target import NO_VALUE, TargetChoice

__all__ = ["place_target"]

MAX_WORDS = 100
MAX_NUMBERS = 20
"""Different labels up to which a column of words, or of whole numbers, may be one of classes."""
MUCH_FEWER = 3
"""Of two ends of whole numbers the one with so many times fewer of them is the target."""

Role = Literal["labels", "unsure", "values"]


@dataclass(frozen=True, slots=True)
class _End:
    """What stands in a column at one end.

    Attributes:
        name: Of the column.
        role: Whether it holds labels, values (measurements, identifiers, texts), or whole numbers that may be either.
        num_different: How many different cells there are.
        has_words: Whether they are words.
        shown: Some of them.
    """

    name: str
    role: Role
    num_different: int
    has_words: bool
    shown: str


def place_target(raw: RawTable) -> TargetChoice:
    """Choose the target of a table without names.

    Raises:
        UsageError: It is not plain which column that is; the message has the candidates.
    """
    last, first = _look(raw, raw.names[-1]), _look(raw, raw.names[0])
    chosen, reason = _choose(raw, last, first)
    if not chosen:
        words = [_look(raw, name) for name in _names_of_words(raw)[:3] if name not in (first.name, last.name)]
        listed = "\n".join(f'  --target "{end.name}"   holds {end.shown}' for end in (last, first, *words))
        raise UsageError(
            f"{raw.file} has no column names, and which column is to be predicted is not plain. Say it, such as\n{listed}\n"
            f"(of {raw.names[0]!r} to {raw.names[-1]!r})."
        )
    warning = f"{raw.file}: the target was guessed to be {chosen!r}, since {reason}. --target COLUMN says it"
    return TargetChoice(chosen, warning=warning)


def _choose(raw: RawTable, last: _End, first: _End) -> tuple[str, str]:
    """Return the name of the target and why it is the one; "" where that is not plain."""
    place = {last.name: "the last column", first.name: "the first column"}
    if last.role == first.role == "labels":
        if last.has_words != first.has_words:
            end = last if last.has_words else first
            return end.name, f"{place[end.name]} holds a few words again and again ({end.shown}), the other end numbers"
        fewer, more = sorted((last, first), key=lambda end: end.num_different)
        if fewer.has_words or MUCH_FEWER * fewer.num_different > more.num_different:
            return "", ""
        return fewer.name, f"{place[fewer.name]} holds few different numbers ({fewer.shown})"
    if last.role == "labels":
        return last.name, f"the last column holds few different values ({last.shown}), and the first does not"
    if first.role == "labels" and last.role == "values":
        return first.name, f"the first column holds few different values ({first.shown}), and the last does not"
    words = _names_of_words(raw)
    if len(words) == 1 and last.role == "values" and _look(raw, words[0]).role == "labels":
        return words[0], f"it is the only column of words ({_look(raw, words[0]).shown})"
    return "", ""


def _look(raw: RawTable, name: str) -> _End:
    """Look at a column."""
    counts = pc.value_counts(trim(raw.columns.get(name))).to_pylist()
    given = {str(item["values"]): item["counts"] for item in counts if item["values"] not in NO_VALUE}
    different = sorted(given, key=lambda cell: -given[cell])
    numbers = [cell for cell in different[:1000] if form_of(cell) == "number"]
    has_words = 2 * len(numbers) < len(different[:1000])
    has_dates = sum(form_of(cell) == "date" for cell in different[:1000]) > len(different[:1000]) / 2
    num_rows = sum(given.values())
    shown = ", ".join(cell[:20] for cell in different[:4]) + (" ..." if len(different) > 4 else "")
    if has_dates:
        role: Role = "values"
    elif has_words:
        role = "labels" if 2 <= len(different) <= min(MAX_WORDS, num_rows / 2) else "values"
    elif not all(_is_whole(cell) for cell in numbers) or not 2 <= len(different) <= num_rows / 4:
        role = "values"
    else:
        role = "labels" if len(different) <= MAX_NUMBERS else "unsure"
    return _End(name, role, len(different), has_words, shown)


def _names_of_words(raw: RawTable) -> list[str]:
    """Return the columns in which the first rows have words."""
    rows = [row for row in raw.sample if len(row) == len(raw.names)]
    columns: list[Sequence[str]] = list(zip(*rows, strict=True)) if rows else []
    forms = [[form for form in (form_of(cell.strip()) for cell in column) if form] for column in columns]
    return [name for name, found in zip(raw.names, forms, strict=False) if 2 * found.count("number") < len(found)]


def _is_whole(cell: str) -> bool:
    """Tell whether a number is a whole one."""
    try:
        return float(cell).is_integer()
    except ValueError:
        return False
