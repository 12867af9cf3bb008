"""How a text table is laid out: lines of comment on top, what divides its cells, and its column names, or that it has none."""

import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tutelage.core.errors import DataError, DataProblem
from tutelage.data.source.header import Naming, Row, find_header, fits_known, form_of, names_without_header
from tutelage.data.source.text_encoding import TextFile

__all__ = ["BLANKS", "DELIMITERS", "Layout", "find_layout", "read_rows", "why_no_table"]

BLANKS = " "
"""Stands for any number of blanks and tabs between cells."""
DELIMITERS = {"\t": "tab", "|": "bar", ";": "semicolon", ",": "comma", BLANKS: "blank"}
"""Delimiters that are tried, in this order where they fit equally well; blanks only where no other fits."""
COMMENTS = ("#", "%", "|")
SEPARATOR_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)
"""The first line by which Excel is told what divides cells."""

SAMPLE_ROWS = 100
SAMPLE_CHARACTERS = 1_000_000
MANY = 500
"""So many cells of a row show what the others are."""
WELL = 0.9
"""Share of the first rows that must be as wide as the first for a delimiter to fit well."""
BLANK_RUN = re.compile(r'("(?:[^"]|"")*")|[ \t]+')


@dataclass(frozen=True, slots=True)
class Layout:
    """How a text table is laid out.

    Attributes:
        delimiter: What divides its cells.
        names: Column names.
        num_head_lines: Lines before the first row of data: comments and column names.
        is_spaced: Whether quotes stand after a delimiter and a blank.
        has_open_end: Whether all rows, but not the header, end with a delimiter, as some programs write them.
        has_header: Whether the names stand in the file.
        sample: The first rows of data.
        notes: What is worth telling.
    """

    delimiter: str
    names: list[str]
    num_head_lines: int
    is_spaced: bool
    has_open_end: bool
    has_header: bool = True
    sample: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.names)


@dataclass(frozen=True, slots=True)
class _Top:
    """Where a table begins.

    Attributes:
        num_lines: Lines before its first row.
        names: What a line of comment right before it says when that has as many cells as the rows, or [].
        notes: What was passed over.
        delimiter: What the file itself says that divides cells, or "".
    """

    num_lines: int = 0
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    delimiter: str = ""


def find_layout(text: TextFile, naming: Naming | None = None) -> Layout:
    """Look at the beginning of a text.

    Raises:
        DataError: There is nothing in it, or its column names cannot be read.
    """
    name, naming = text.path.name, naming or Naming()
    head = text.head(SAMPLE_CHARACTERS)
    if not head.strip() and not any(line.strip() for line in text.lines()):
        found = "nothing but blanks in it" if text.path.stat().st_size else "the file is empty (0 bytes)"
        raise DataError([DataProblem(name, found, "Give a table with column names in its first row.")])
    lines = _lines(head)
    top = _find_top(lines[:-1] or lines if len(head) == SAMPLE_CHARACTERS else lines)
    head = "".join(lines[top.num_lines :])
    delimiter = top.delimiter or _find_delimiter(head, is_tsv=text.stored.suffix in (".tsv", ".tab"))
    is_spaced = _is_spaced(head, delimiter)
    found_rows = _sample(head, delimiter)
    if not found_rows:
        raise DataError([DataProblem(name, "no column names", "Give a table with column names in its first row.")])
    line, first = found_rows[0]
    if isinstance(first, str):
        where = f"{name} row {top.num_lines + line}"
        raise DataError([DataProblem(where, f"the column names cannot be read ({first})", "Mend the quotes.")])
    rows = [row for _, row in found_rows if isinstance(row, list)]
    says = [f"cells are divided by {'runs of blanks' if delimiter == BLANKS else DELIMITERS[delimiter]}"]
    notes = [*top.notes, *(says if delimiter == BLANKS else ())]
    if _are_meant(top.names, rows, naming):
        notes.append(f"the column names were taken from the comment above the first row ({', '.join(top.names[:4])} ...)")
        return Layout(delimiter, list(top.names), top.num_lines + line - 1, is_spaced, False, True, tuple(rows), tuple(notes))
    has_header, told = find_header(rows, naming)
    notes += [told] if told else []
    if not has_header:
        return _headless(
            text, rows, naming, Layout(delimiter, [], top.num_lines + line - 1, is_spaced, False, False, (), tuple(notes))
        )
    names = [cell.strip() for cell in first]
    ends = _rest_is_wider(rows)
    names = ["", *names] if ends == "named" else names
    if has_rule := len(found_rows) > 2 and _is_rule(found_rows[1][1]):
        notes.append("the line of dashes below the column names was passed over")
    num_head = top.num_lines + _last_line(head, delimiter, found_rows[has_rule][0])
    return Layout(delimiter, names, num_head, is_spaced, ends == "empty", True, tuple(rows[1 + has_rule :]), tuple(notes))


def _headless(text: TextFile, rows: list[list[str]], naming: Naming, layout: Layout) -> Layout:
    """Complete the layout of a table whose first row is data.

    Raises:
        DataError: It has not the columns of the training table.
    """
    is_open = len(rows[0]) > 2 and all(not row[-1].strip() for row in rows)
    width = len(rows[0]) - is_open
    if not fits_known(width, naming):
        found = f"{width} columns and no header row, where the training data has {len(naming.known)}"
        remedy = "Give the same columns in the same order; the target may be left out."
        raise DataError([DataProblem(text.path.name, found, remedy)])
    names, told = names_without_header(width, naming)
    return replace(layout, names=names, has_open_end=is_open, sample=tuple(rows), notes=(*layout.notes, told))


def read_rows(
    lines: Iterable[str], delimiter: str, *, is_spaced: bool, num_before: int = 0
) -> Iterator[tuple[int, list[str] | str]]:
    """Yield the line on which each row begins with its cells, or with what is wrong with it.

    Args:
        lines: Of the text.
        delimiter: What divides cells.
        is_spaced: Whether quotes stand after a delimiter and a blank.
        num_before: How many lines to pass over first.
    """
    kept = itertools.islice(lines, num_before, None)
    reader = csv.reader(
        (_one_blank(line) for line in kept) if delimiter == BLANKS else kept,
        delimiter=delimiter,
        strict=True,
        skipinitialspace=is_spaced,
    )
    while True:
        line = num_before + reader.line_num + 1
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, str(error)


def why_no_table(head: str) -> str:
    """Say why the beginning of a text does not look like a table; "" where it does.

    A table has rows of equal width, and something that prose has not: a column of numbers, one whose few words come again
    and again, or cells divided by tabs, semicolons or bars.
    """
    lines = _lines(head)
    top = _find_top(lines)
    head = "".join(lines[top.num_lines :])
    delimiter = top.delimiter or _find_delimiter(head, is_tsv=False)
    found = [row for _, row in _sample(head, delimiter)]
    rows = [[cell.strip() for cell in row] for row in found if isinstance(row, list)]
    if len(rows) == 1 and len(rows[0]) > 1 and _share_of_numbers(rows[0]) >= 0.5:
        return ""
    if len(rows) < 2:
        return "there are not two lines in it that could be rows"
    width = max(len(row) for row in rows[:2])
    same = [row for row in rows if len(row) == width]
    if width < 2 or len(same) < WELL * (len(rows) - 1):
        return "its lines do not have the same number of cells, whatever divides them"
    columns = list(zip(*(same[1:] or same), strict=True))
    if any(_share_of_numbers(column) >= 0.8 for column in columns) or delimiter in ("\t", ";", "|"):
        return ""
    come_again = [
        column for column in columns if 2 * len(set(column)) <= len(column) and not any(len(c.split()) > 2 for c in column)
    ]
    return "" if come_again and len(same) >= 4 else "its lines read like sentences: no column of numbers, none of a few words"


def _find_top(lines: Sequence[str]) -> _Top:
    """Pass over lines of comment before the first row."""
    if lines and (said := SEPARATOR_LINE.fullmatch(lines[0])) and said[1] in DELIMITERS:
        return _Top(1, delimiter=said[1], notes=("its first line says what divides its cells",))
    count, last = 0, ""
    for index, line in enumerate(lines):
        if line.strip() and not line.startswith(COMMENTS):
            break
        if line.strip():
            count, last = index + 1, line
    else:
        return _Top()  # all lines begin so: they are rows
    if not count or (last.startswith("|") and _is_bar_table(lines)):
        return _Top()
    marked = [line for line in lines[:count] if line.strip()]
    told = f"{len(marked)} line{'s' * (len(marked) > 1)} of comment on top passed over ({marked[0].strip()[:40]!r})"
    head = "".join(lines[count:])
    stripped = "" if last.startswith("|") else last.lstrip("#%").strip()
    delimiter = _find_delimiter(head, is_tsv=False)
    cells = next((row for _, row in read_rows([stripped], delimiter, is_spaced=True) if isinstance(row, list)), [])
    names = tuple(cell.strip() for cell in cells) if len(cells) > 1 else ()
    return _Top(count, names, (told,))


def _is_bar_table(lines: Sequence[str]) -> bool:
    """Tell whether rows begin with a bar, as those of Markdown and of psql do."""
    rows = [line for line in lines if line.strip()]
    return 2 * sum(line.startswith("|") for line in rows) > len(rows)


def _are_meant(names: Sequence[str], rows: Sequence[Row], naming: Naming) -> bool:
    """Tell whether the names in a comment are those of the columns: as many as these, and no others stand in the first row."""
    if naming.header != "auto" or len(names) != len(rows[0]) or find_header(rows, naming) == (True, ""):
        return False
    return not naming.known or 2 * sum(name in naming.known for name in names) >= len(names)


def _sample(head: str, delimiter: str) -> list[tuple[int, list[str] | str]]:
    """Return the first rows that are not blank, each with its line."""
    rows = read_rows(io.StringIO(head, newline=""), delimiter, is_spaced=_is_spaced(head, delimiter))
    return list(
        itertools.islice((item for item in rows if isinstance(item[1], str) or any(map(str.strip, item[1]))), SAMPLE_ROWS)
    )


def _is_rule(row: list[str] | str) -> bool:
    """Tell whether a row only draws a line, as in Markdown."""
    cells = [cell.strip() for cell in row if cell.strip()]
    return bool(cells) and all(len(cell) > 1 and not cell.strip("-=:+_") for cell in cells)


def _last_line(head: str, delimiter: str, line: int) -> int:
    """Return the line on which the row that begins on a line ends."""
    rows = read_rows(io.StringIO(head, newline=""), delimiter, is_spaced=_is_spaced(head, delimiter))
    return next((begin - 1 for begin, _ in rows if begin > line), 0) or len(_lines(head))


def _lines(text: str) -> list[str]:
    """Return the lines of a text, each with its end, as those of a file."""
    return list(io.StringIO(text, newline=""))


def _is_spaced(head: str, delimiter: str) -> bool:
    """Tell whether quotes stand after a delimiter and a blank."""
    return delimiter != BLANKS and f'{delimiter} "' in head


def _find_delimiter(head: str, *, is_tsv: bool) -> str:
    """Choose the delimiter under which most of the first rows have as many cells as the first, and more than one.

    Where several fit equally, it is the one that leaves numbers, or else single words, in the cells: under a comma `1,5;2,5`
    has neither.
    """
    scores: dict[str, tuple[float, float, int]] = {}
    for delimiter in DELIMITERS:
        rows = [row for _, row in _sample(head, delimiter) if isinstance(row, list)]
        widths = [len(row) for row in rows]
        if not widths or widths[0] < 2:
            scores[delimiter] = (0.0, 0.0, 1)
            continue
        fits = max(widths.count(widths[0]), 1 + widths[1:].count(widths[0] + 1)) / len(widths)
        tidy = [_tidiness(row[:MANY]) for row in rows[1:21]]
        scores[delimiter] = (fits, sum(tidy) / max(1, len(tidy)), widths[0])
    if is_tsv and scores["\t"][2] > 1:
        return "\t"
    blanks = scores.pop(BLANKS)
    best = max(scores, key=lambda delimiter: scores[delimiter])
    rows = [row for _, row in _sample(head, BLANKS) if isinstance(row, list)]
    if blanks[0] < WELL or not any(_share_of_numbers(row[:MANY]) for row in rows[1:21] or rows):
        return best
    return BLANKS if scores[best][0] < WELL or (best == "\t" and _holds_more(head)) else best


def _holds_more(head: str) -> bool:
    """Tell whether cells divided by tabs hold several numbers divided by blanks, as where tabs stand for some of the blanks."""
    rows = [row for _, row in _sample(head, "\t") if isinstance(row, list)]
    held = [cell.split() for row in rows for cell in row[:MANY] if "  " in cell.strip() or len(cell.split()) > 2]
    return sum(all(form_of(part) == "number" for part in parts) for parts in held) >= WELL * len(rows)


def _tidiness(cells: Row) -> float:
    """Return how tidy cells are, in [0, 1]: a number counts 1, a word 1/2, a sentence and what may be several cells 0."""
    kinds = [(form_of(cell), cell) for cell in map(str.strip, cells) if cell]
    tidy = [1.0 if form == "number" else 0.0 if any(sign in cell for sign in " \t|;,") else 0.5 for form, cell in kinds]
    return sum(tidy) / len(tidy) if tidy else 0.0


def _share_of_numbers(cells: Row) -> float:
    """Return the share of numbers among the cells in which something is."""
    forms = [form for form in (form_of(cell.strip()) for cell in cells) if form]
    return forms.count("number") / len(forms) if forms else 0.0


def _rest_is_wider(rows: Sequence[Row]) -> str:
    """Tell whether all rows have one cell more than the header: `empty` at the end, or one that is `named` by nobody; or ""."""
    width, body = len(rows[0]), rows[1:-1] if len(rows) > 2 else rows[1:]
    if not body or not all(len(row) == width + 1 for row in body):
        return ""
    return "empty" if all(not row[-1].strip() for row in body) else "named"


def _one_blank(line: str) -> str:
    """Leave one blank between the cells of a line."""
    end = "\n" if line.endswith(("\n", "\r")) else ""
    if '"' not in line:
        return BLANKS.join(line.split()) + end
    return BLANK_RUN.sub(lambda match: match[1] or BLANKS, line.strip()) + end
