"""Where tables lie: which files are tables, and which of a folder are its parts."""

import re
from dataclasses import dataclass
from pathlib import Path

from tutelage.core.errors import UsageError
from tutelage.data.source.columnar import COLUMNAR_SUFFIXES, is_columnar, read_columnar
from tutelage.data.source.delimited import read_delimited
from tutelage.data.source.image_tree import IMAGE_SUFFIXES
from tutelage.data.source.raw_table import RawTable

__all__ = ["TRAIN_STEM", "TableFiles", "find_tables", "holds_tables", "is_table", "read_table", "table_to_read"]

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


def find_tables(path: Path) -> TableFiles:
    """Return the tables of a file, or of a folder with a train table or with one table only.

    Raises:
        UsageError: Nothing there is a table, or it cannot be told which one is meant.
    """
    if path.is_file():
        return TableFiles(train=path)
    if not path.is_dir():
        raise UsageError(f"{path}: no such file or folder.")
    tables = _tables(path)
    train = _train(tables)
    if train is None:
        shown = ", ".join(file.name for file in tables) or "none"
        raise UsageError(f"{path}: expected one table, or one called train. Found: {shown}. Give the path of the file itself.")
    test = _only(tables, TEST_STEM)
    validation = _only(tables, VALIDATION_STEM)
    notes: list[str] = []
    if validation and not test:
        test = validation
        notes.append(f"{test.name} is used as the test part: opened once, at the end; validation is cut from {train.name}")
    elif validation:
        notes.append(f"{validation.name} is not used: validation is always cut from {train.name}")
    unused = [file.name for file in tables if file not in (train, test, validation)]
    if unused:
        notes.append(f"not used beside {train.name}: {', '.join(unused)}")
    return TableFiles(train=train, test=test, notes=tuple(notes))


def holds_tables(folder: Path) -> bool:
    """Tell whether a folder is a data set of tables: it has some, and neither folders nor images beside them."""
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    others = any(entry.is_dir() or entry.name.casefold().endswith(IMAGE_SUFFIXES) for entry in entries)
    return bool(_tables(folder)) and not others


def table_to_read(path: str) -> Path:
    """Return the file to test or to predict on: the file itself, or the test table of a folder, or its only table."""
    found = find_tables(Path(path))
    return found.test or found.train


def _tables(folder: Path) -> list[Path]:
    """Return the tables in a folder."""
    return sorted(file for file in folder.iterdir() if is_table(file) and not file.name.startswith("."))


def _train(tables: list[Path]) -> Path | None:
    """Return the one train table, or the only table; None where it cannot be told."""
    return _only(tables, TRAIN_STEM) or (tables[0] if len(tables) == 1 else None)


def _only(tables: list[Path], stem: re.Pattern[str]) -> Path | None:
    """Return the one table with a name of some form; None where there is none, or more than one."""
    named = [file for file in tables if stem.fullmatch(file.stem)]
    return named[0] if len(named) == 1 else None
