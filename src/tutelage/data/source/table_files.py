"""Where tables lie: which files are tables, and which of a folder are its parts."""

import re
from dataclasses import dataclass
from pathlib import Path

from tutelage.core.errors import UsageError
from tutelage.data.source.columnar import COLUMNAR_SUFFIXES, is_columnar, read_columnar
from tutelage.data.source.delimited import read_delimited
from tutelage.data.source.raw_table import RawTable

__all__ = ["TRAIN_STEM", "TableFiles", "find_tables", "is_table", "read_table", "table_to_read"]

TEXT_SUFFIXES = (".csv", ".tsv", ".tab")

TRAIN_STEM = re.compile(r"(.*[-_. ])?train(ing)?", re.IGNORECASE)
TEST_STEM = re.compile(r"(.*[-_. ])?test(ing)?", re.IGNORECASE)
VALIDATION_STEM = re.compile(r"(.*[-_. ])?(val|valid|validation|dev)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TableFiles:
    """The tables of a data set, and what was taken for what, where it may surprise."""

    train: Path
    test: Path | None = None
    notes: tuple[str, ...] = ()


def is_table(path: Path) -> bool:
    """Tell from its name or its first bytes whether a file is a table."""
    return path.is_file() and (path.suffix.casefold() in (*TEXT_SUFFIXES, *COLUMNAR_SUFFIXES) or is_columnar(path))


def read_table(path: Path) -> RawTable:
    """Read a table of any format.

    Raises:
        DataError: It cannot be read, or has no rows.
    """
    return read_columnar(path) if path.suffix.casefold() in COLUMNAR_SUFFIXES or is_columnar(path) else read_delimited(path)


def find_tables(path: Path, *, strict: bool = True) -> TableFiles | None:
    """Return the tables of a file or a folder.

    Args:
        path: A table; or a folder with a train table and perhaps others, or with one table only.
        strict: Whether to raise rather than to return None where it is neither.

    Raises:
        UsageError: Nothing there is a table, or it cannot be told which one is meant.
    """
    if path.is_file():
        return TableFiles(train=path)
    if not path.is_dir():
        raise UsageError(f"{path}: no such file or folder.")
    tables = sorted(file for file in path.iterdir() if is_table(file) and not file.name.startswith("."))
    train = [file for file in tables if TRAIN_STEM.fullmatch(file.stem)] or (tables if len(tables) == 1 else [])
    has_folders = any(entry.is_dir() and not entry.name.startswith(".") for entry in path.iterdir())
    if len(train) != 1 or (has_folders and not strict):
        if not strict:
            return None
        shown = ", ".join(file.name for file in tables) or "none"
        raise UsageError(f"{path}: expected one table, or one called train. Found: {shown}. Give the path of the file itself.")
    return _with_others(train[0], tables)
