"""Excel workbooks (.xlsx) to columns of text: one sheet, whose first row that is not blank holds the names, or none does.

Values are taken as Excel stored them; a formula that it never computed is refused. Needs openpyxl: the extra `excel`.
"""

import hashlib
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tutelage.core.errors import DataError, DataProblem, UsageError
from tutelage.core.memory import memory_bytes
from tutelage.data.source.column_names import name_columns
from tutelage.data.source.header import Naming, find_header, names_without_header
from tutelage.data.source.raw_table import HeldColumns, RawTable
from tutelage.data.source.stored_file import MAX_RATIO, MIN_LIMIT_BYTES, zip_names

__all__ = ["is_excel", "read_excel"]

WORKBOOK = "xl/workbook.xml"
INSTALL = "pip install 'tutelage[excel]'"
MERGED = b"<mergeCell "
ERRORS = ("#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!")
"""What Excel shows where a formula failed; `#N/A` is a missing value."""


def is_excel(path: Path) -> bool:
    """Tell from its content whether a file is an Excel workbook."""
    return WORKBOOK in zip_names(path)


def read_excel(path: Path, naming: Naming, *, sheet: str = "") -> RawTable:
    """Read one sheet.

    Args:
        path: The workbook.
        naming: How its columns are to be named.
        sheet: Name of the sheet; "" = the first one that is not hidden.

    Raises:
        UsageError: openpyxl is not installed, or there is no such sheet.
        DataError: The workbook cannot be read, or the sheet has no rows.
    """
    _refuse_bomb(path)
    name = path.name
    with _opened(path, values=True) as values, _opened(path, values=False) as formulas:
        names = [found.title for found in values.worksheets if found.sheet_state == "visible"] or values.sheetnames
        if sheet and sheet not in values.sheetnames:
            raise UsageError(f"{name} has no sheet {sheet!r}. Sheets: {', '.join(values.sheetnames)}.")
        chosen = sheet or names[0]
        notes = [] if sheet or len(values.sheetnames) == 1 else [_say_sheets(name, chosen, values.sheetnames)]
        rows, problems = _cells(name, values[chosen], formulas[chosen])
    if _has_merged(path):
        notes.append(f"{name}: there are merged cells: the first one of each has the value, the others count as empty")
    if not rows:
        raise DataError([DataProblem(f"{name}, sheet {chosen}", "nothing in it", "Give a sheet with a table.")])
    return _as_table(path, rows, problems, naming, notes)


@contextmanager
def _opened(path: Path, *, values: bool) -> Iterator[Any]:
    """Open a workbook, for its values or its formulas."""
    try:
        import openpyxl
    except ImportError as error:
        raise UsageError(f"{path}: Excel workbooks are read by openpyxl, which is not installed: {INSTALL}") from error
    with ExitStack() as stack, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about styles and pictures that are not read
        try:
            book = openpyxl.load_workbook(stack.enter_context(path.open("rb")), read_only=True, data_only=values)
        except Exception as error:  # whatever the many parts of a damaged archive make openpyxl raise
            found = f"damaged, or no Excel workbook ({str(error).splitlines()[0][:80] if str(error) else type(error).__name__})"
            raise DataError([DataProblem(path.name, found, "Save it again in Excel, or as CSV.")]) from error
        try:
            yield book
        finally:
            book.close()


def _refuse_bomb(path: Path) -> None:
    """Refuse a workbook that unpacks to more than can be meant."""
    size = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(info.file_size for info in archive.infolist())
    if unpacked > min(memory_bytes(), max(MIN_LIMIT_BYTES, MAX_RATIO * size)):
        found = f"{size:,} bytes that unpack to {unpacked:,}"
        raise DataError([DataProblem(path.name, found, "Save the sheet as CSV.")])


def _has_merged(path: Path) -> bool:
    """Tell whether there are merged cells in some sheet."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/"):
                with archive.open(name) as file:
                    rest = b""
                    while block := file.read(2**20):
                        if MERGED in rest + block:
                            return True
                        rest = block[-len(MERGED) :]
    return False


def _cells(file: str, values: Any, formulas: Any) -> tuple[list[tuple[int, list[str]]], list[DataProblem]]:
    """Return the rows of a sheet in which something is, each with its number, and the cells that cannot be read."""
    rows: list[tuple[int, list[str]]] = []
    problems: list[DataProblem] = []
    try:
        for sheet in (values, formulas):
            sheet.reset_dimensions()  # some programs write wrong ones
        for number, (row, written) in enumerate(zip(values.iter_rows(values_only=True), formulas.iter_rows(), strict=True), 1):
            texts = [_as_text(cell) for cell in row]
            for place, cell in enumerate(written):
                fault = _fault(texts[place] if place < len(texts) else "", cell)
                if fault:
                    problems.append(DataProblem(f"{file} row {number}, column {place + 1}", *fault, item=len(rows)))
            if any(texts):
                rows.append((number, texts))
    except Exception as error:  # the XML of a sheet is read while its rows are
        raise DataError([DataProblem(file, f"damaged ({str(error)[:80]})", "Save it again in Excel, or as CSV.")]) from error
    return rows, problems


def _fault(text: str, cell: Any) -> tuple[str, str] | None:
    """Say what is wrong with a cell and what to do; None where nothing is."""
    if text in ERRORS:
        return f"the formula gives {text}", "Mend the formula, or empty the cell."
    is_formula = getattr(cell, "data_type", "") == "f"
    if is_formula and not text:
        return "a formula whose value is not stored", "Open and save the workbook in Excel, or save it as CSV."
    return None


def _as_text(value: object) -> str:
    """Write a cell as a text table would have it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        is_day = value.time() == time()
        return value.date().isoformat() if is_day else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, timedelta):
        return repr(value.total_seconds())
    if isinstance(value, time):
        return repr(float(value.hour * 3600 + value.minute * 60 + value.second))
    if isinstance(value, date):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else str(value).strip()


def _as_table(
    path: Path, rows: list[tuple[int, list[str]]], problems: Sequence[DataProblem], naming: Naming, notes: list[str]
) -> RawTable:
    """Name the columns of rows of text."""
    width = max(len(row) for _, row in rows)
    numbers = np.array([number for number, _ in rows], dtype=np.int64)
    cells = [row + [""] * (width - len(row)) for _, row in rows]
    while width > 1 and not any(row[width - 1] for row in cells):
        width -= 1
    cells = [row[:width] for row in cells]
    has_header, told = find_header(cells[:201], naming)
    names = [cell.strip() for cell in cells[0]] if has_header else []
    if not has_header:
        names, more = names_without_header(width, naming)
        told = f"{told} {more}".strip()
    body = cells[1:] if has_header else cells
    if not body:
        raise DataError([DataProblem(path.name, "column names, but no rows", "Give a table with rows.")])
    columns = {str(place): pa.chunked_array([pa.array(column)]) for place, column in enumerate(zip(*body, strict=True))}
    items = np.arange(len(body), dtype=np.int64)
    raw = RawTable(path.name, HeldColumns(columns), numbers[len(cells) - len(body) :], items, delimiter="\t")
    more_problems, more_notes = name_columns(raw, names)
    # Rows are counted below the names; what is wrong with the names themselves cannot be left out.
    shift = len(cells) - len(body)
    shifted = [DataProblem(p.where, p.found, p.remedy, item=p.item - shift) for p in problems]
    raw.problems = (*more_problems, *shifted)
    raw.notes = (*notes, *([f"{path.name}: {told}"] if told else []), *more_notes)
    raw.has_header, raw.sample = has_header, tuple(body[:100])
    with path.open("rb") as file:
        raw.digest = hashlib.file_digest(file, "sha256").hexdigest()
    raw.keep(~np.isin(items, [p.item for p in shifted if p.item >= 0]))
    return raw


def _say_sheets(file: str, chosen: str, names: Sequence[str]) -> str:
    """Say which sheet was read."""
    return f"{file}: sheet {chosen!r} of {', '.join(names)} was read; --set source.sheet=NAME takes another"
