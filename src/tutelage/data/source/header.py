"""Whether the first row of a table holds the names of its columns, and how columns without names are called."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from tutelage.data.source.cells import MISSING

__all__ = ["HeaderMode", "Naming", "Row", "find_header", "fits_known", "form_of", "names_without_header"]

HeaderMode = Literal["auto", "first", "none"]
Row = Sequence[str]

QUANTITY = re.compile(r"[-+]?[$€£¥]? ?[-+]?(\d[\d.,' ]*|\.\d+)([eE][-+]?\d+)? ?([%$€£¥]|[A-Za-zµ°²³/]{1,4})?")
"""A number as people write it, also with a currency, a percent sign or a unit: no name, though `cells.py` may read it as text."""
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d{1,2}:.*)?|\d{1,2}[- ][A-Za-z]{3,9}[- ]\d{2,4}")
BOOLEANS = ("true", "false")
MIN_SHARE = 0.9
"""Share of a column's cells that must be of a form for the column to be of that form."""
MAX_BODY = 200
MANY = 500
"""Rows and columns that are compared with the first row."""
YEARS = range(1900, 2101)


@dataclass(frozen=True, slots=True)
class Naming:
    """How the columns of a table are to be named.

    Attributes:
        header: Whether the first row holds names; `auto` finds out.
        known: Names of the columns in order, from the training table or the user, for a file without a header row.
        target: Which of these a table to predict on may lack, or "".
    """

    header: HeaderMode = "auto"
    known: tuple[str, ...] = ()
    target: str = ""


def find_header(rows: Sequence[Row], naming: Naming) -> tuple[bool, str]:
    """Tell whether the first of some rows holds names, and what to tell about that, or ""."""
    first = [cell.strip() for cell in rows[0]]
    if naming.header != "auto":
        return naming.header == "first", ""
    if naming.known:
        if 2 * sum(cell in naming.known for cell in first) >= len(first):
            return True, ""
        if _are_numbered(naming.known):
            return False, ""
    body = [[cell.strip() for cell in row[:MANY]] for row in rows[1:] if len(row) == len(first)][:MAX_BODY]
    if not body:
        return not any(form_of(cell) == "number" for cell in first), ""
    return _guess(first[:MANY], body)


def names_without_header(width: int, naming: Naming) -> tuple[list[str], str]:
    """Name the columns of a file without a header row, and say how: as in the training table, else by their numbers."""
    known = list(naming.known)
    numbered = [_numbered(index) for index in range(width)]
    if naming.header == "none" and not known:
        return numbered, f"read without a header row, as asked for: the columns are called column 1 to column {width}"
    if len(known) == width:
        how = (
            "its columns are called as in the training data" if known == numbered else "its columns are taken in the given order"
        )
        return known, f"no header row: {how}"
    if naming.target in known and len(known) == width + 1:
        left = [name for name in known if name != naming.target]
        return left, f"no header row, and one column less: taken as all columns of the training data but {naming.target!r}"
    told = "no header row was found: the columns are called column 1 to column"
    return numbered, f"{told} {width}. If the first row holds names: --header first"


def fits_known(width: int, naming: Naming) -> bool:
    """Tell whether a file without a header row has as many columns as the training table, which had none either."""
    num_known = len(naming.known)
    return not _are_numbered(naming.known) or width == num_known or (naming.target in naming.known and width == num_known - 1)


def form_of(cell: str) -> str:
    """Tell of what form a cell is: "" (nothing), number, date, boolean, word, or the pattern of letters and digits in it."""
    small = cell.casefold()
    if cell in MISSING:
        return ""
    if _is_number(cell) or QUANTITY.fullmatch(cell):
        return "number"
    if DATE.fullmatch(cell):
        return "date"
    if small in BOOLEANS:
        return "boolean"
    pattern = re.sub(r"\d+", "9", re.sub(r"[^\W\d_]+", "a", cell))
    return pattern if "9" in pattern and len(pattern) <= 12 else "word"


def _are_numbered(names: Sequence[str]) -> bool:
    """Tell whether columns are called by their places, as those of a file without a header row are."""
    return bool(names) and all(name == _numbered(index) for index, name in enumerate(names))


def _numbered(index: int) -> str:
    """Name a column by its place."""
    return f"column {index + 1}"


def _guess(first: Row, body: Sequence[Row]) -> tuple[bool, str]:
    """Compare the first row with what stands below it."""
    columns = list(zip(*body, strict=True))
    alike, unlike = [], []
    for place, column in enumerate(columns):
        form, top = _common_form(column), form_of(first[place])
        if form in ("", "word") or not top:
            continue
        if top == form:
            alike.append(place)
        elif top in ("word", "boolean") or form in ("number", "date"):
            unlike.append(place)
    shown = ", ".join(first[:4]) + (" ..." if len(first) > 4 else "")
    if alike and _are_names([first[place] for place in alike], [columns[place] for place in alike]):
        return (
            True,
            f"the first row ({shown}) was taken as column names, since its numbers count up. If it is data: --header none",
        )
    if alike or unlike:
        is_header = len(unlike) >= len(alike)
        doubt = f"the first row ({shown}) was taken as column names, though it may be data. If so: --header none"
        return is_header, doubt if alike and is_header else ""
    return _guess_by_words(first, body, shown)


def _guess_by_words(first: Row, body: Sequence[Row], shown: str) -> tuple[bool, str]:
    """Compare a first row of words with words below it: a word that comes again is no name, but where the whole row does."""
    others = [row for row in body if list(row) != list(first)]
    columns = enumerate(zip(*body, strict=True))
    few = [place for place, column in columns if 2 * len(set(column)) <= len(column)]
    known = [(first[place], {row[place] for row in others}) for place in few]
    num_seen = sum(cell in values for cell, values in known)
    has_twice = len({cell for cell in first if cell}) < len([cell for cell in first if cell])
    if num_seen + has_twice > len(known) - num_seen:
        return False, ""
    if known:
        return True, ""
    return (
        True,
        f"the first row ({shown}) was taken as column names: nothing tells it from the others. If it is data: --header none",
    )


def _are_names(tops: Row, columns: Sequence[Row]) -> bool:
    """Tell whether numbers on top of columns of numbers are names: years, or numbers that count the columns."""
    if not all(top.isascii() and top.isdigit() and len(top) < 10 for top in tops):
        return False
    numbers = [int(top) for top in tops]
    if len(numbers) == 1:
        return numbers[0] in YEARS and not _spans(columns[0], numbers[0])
    steps = {b - a for a, b in pairwise(numbers)}
    if len(steps) != 1 or min(steps) < 1:
        return False
    counts = steps == {1} and numbers[0] in (0, 1)
    return counts or not any(_spans(column, number) for column, number in zip(columns, numbers, strict=True))


def _spans(column: Row, number: int) -> bool:
    """Tell whether a number lies among those of a column."""
    values = [float(cell) for cell in column if _is_number(cell)]
    return bool(values) and min(values) <= number <= max(values)


def _common_form(column: Row) -> str:
    """Return the form of nearly all cells of a column, `word` where there is none, "" where all are empty."""
    forms = Counter(form for form in map(form_of, column) if form)
    if not forms:
        return ""
    form, count = forms.most_common(1)[0]
    return form if count >= MIN_SHARE * forms.total() else "word"


def _is_number(text: str) -> bool:
    """Tell whether a cell can be read as a number."""
    try:
        return math.isfinite(float(text)) and "_" not in text
    except ValueError:
        return False
