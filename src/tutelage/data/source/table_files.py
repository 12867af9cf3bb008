"""Where tables lie: which files are tables, in what format, and which of a folder are its parts."""

import re
from dataclasses import dataclass
from pathlib import Path

from tutelage.core.errors import DataError, DataProblem, UsageError
from tutelage.data.source.class_tree import broken_links
from tutelage.data.source.columnar import COLUMNAR_SUFFIXES, is_columnar, read_columnar
from tutelage.data.source.delimited import read_delimited
from tutelage.data.source.excel import is_excel, read_excel
from tutelage.data.source.header import Naming
from tutelage.data.source.image_files import IMAGE_SUFFIXES
from tutelage.data.source.missing import say_missing
from tutelage.data.source.raw_table import RawTable
from tutelage.data.source.records import LINE_SUFFIXES, is_records, read_records
from tutelage.data.source.stored_file import PACKED_SUFFIXES, StoredFile
from tutelage.data.source.text_encoding import text_start
from tutelage.data.source.text_layout import why_no_table

__all__ = [
    "TableFiles",
    "data_name",
    "find_tables",
    "holds_tables",
    "is_table",
    "read_table",
    "say_no_table",
    "table_to_read",
]

NAMED_SUFFIXES = (".csv", ".tsv", ".tab", ".xlsx", ".xlsm", *LINE_SUFFIXES, *COLUMNAR_SUFFIXES)
"""Endings that say by themselves that a file is a table."""
LIKELY_SUFFIXES = ("", ".data", ".dat", ".txt", ".train", ".test", ".trn", ".tst", ".all", ".json")
"""Endings of files that are tables in a folder if they look like one; a file that is named itself may have any."""
OTHER_FORMATS = (".xls", ".xlsb", ".ods", ".sav", ".dta", ".sas7bdat", ".arff", ".h5", ".hdf5", ".pkl", ".pickle", ".rds", ".db")
"""Tables of other programs."""
START_BYTES = 2**18

TRAIN_STEM = re.compile(r"(.*[-_. ])?train(ing)?", re.IGNORECASE)
PART_STEM = re.compile(r"(train|test)(ing)?", re.IGNORECASE)
"""Names that say nothing of the data."""
TEST_STEM = re.compile(r"(.*[-_. ])?test(ing)?", re.IGNORECASE)
VALIDATION_STEM = re.compile(r"(.*[-_. ])?(val|valid|validation|dev)", re.IGNORECASE)
TRAIN_SUFFIXES = (".data", ".train", ".trn")
TEST_SUFFIXES = (".test", ".tst")
"""The parts of a set of the UCI archive: `adult.data` and `adult.test`."""


@dataclass(frozen=True, slots=True)
class TableFiles:
    """The tables of a data set, and what was taken for what, where it may surprise."""

    train: Path
    test: Path | None = None
    notes: tuple[str, ...] = ()


def is_table(path: Path, *, is_named: bool = True) -> bool:
    """Tell from its name or its content whether a file is a table.

    Args:
        path: The file.
        is_named: Whether the user named the file itself, rather than its folder; then any ending will do.
    """
    if not path.is_file():
        return False
    suffix = path.suffix.casefold()
    if suffix in NAMED_SUFFIXES or is_columnar(path):
        return True
    return (is_named or suffix in (*LIKELY_SUFFIXES, *PACKED_SUFFIXES)) and not say_no_table(path)


def say_no_table(path: Path) -> str:
    """Say why a file is no table; "" where it is one by its content."""
    suffix = path.suffix.casefold()
    if suffix in OTHER_FORMATS:
        return f"tables ending in {suffix} are not read; save it as CSV or Parquet"
    if suffix in IMAGE_SUFFIXES:
        return "it is named as an image"
    try:
        if is_excel(path):
            return ""
        stored = StoredFile.of(path)
        if stored.suffix in NAMED_SUFFIXES or is_records(stored):
            return ""
        start = text_start(stored, START_BYTES)
    except (DataError, OSError) as error:
        return error.problems[0].found if isinstance(error, DataError) else str(error.strerror)
    if stored.suffix == ".json":
        return "it is JSON, but no list of records such as [{...}, {...}]"
    return why_no_table(start) if start.strip() else "there is no text in it"


def read_table(path: Path, naming: Naming | None = None, *, sheet: str = "") -> RawTable:
    """Read a table of any format.

    Args:
        path: The file.
        naming: How the columns of a text table or a sheet are to be named.
        sheet: Name of the sheet of a workbook; "" = the first.

    Raises:
        DataError: It cannot be read, or has no rows.
    """
    try:
        if is_excel(path):
            return read_excel(path, naming or Naming(), sheet=sheet)
        stored = StoredFile.of(path)
        if stored.suffix in COLUMNAR_SUFFIXES or is_columnar(path):
            return read_columnar(path)
        return read_records(path) if is_records(stored) else read_delimited(path, naming)
    except OSError as error:
        raise DataError([DataProblem(path.name, f"cannot be read ({error.strerror})", "Make it readable.")]) from error


def find_tables(path: Path) -> TableFiles:
    """Return the tables of a file, or of a folder with a train table or with one table only.

    Raises:
        UsageError: Nothing there is a table, or it cannot be told which one is meant.
    """
    if path.is_file():
        return TableFiles(train=path, notes=_beside(path))
    if not path.is_dir():
        raise UsageError(say_missing(path))
    tables = _tables(path)
    train = _train(tables)
    if train is None:
        shown = ", ".join(file.name for file in tables) or "none"
        raise UsageError(f"{path}: expected one table, or one called train. Found: {shown}. Give the path of the file itself.")
    test = _only(tables, TEST_STEM, TEST_SUFFIXES)
    validation = _only(tables, VALIDATION_STEM)
    notes = [f"not used: {link.name}, a link that leads nowhere" for link in broken_links(path)]
    if validation and not test:
        test = validation
        notes.append(f"{test.name} is used as the test part: opened once, at the end; validation is cut from {train.name}")
    elif validation:
        notes.append(
            f"{validation.name} is not used: validation is cut from {train.name}. To learn from its rows too, add them there"
        )
    unused = [file.name for file in tables if file not in (train, test, validation)]
    if unused:
        notes.append(f"not used beside {train.name}: {', '.join(unused)}")
    return TableFiles(train=train, test=test, notes=tuple(notes))


def holds_tables(folder: Path) -> bool:
    """Tell whether a folder is a data set of tables: it has some, and neither folders nor images beside them."""
    try:
        entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    except OSError:
        return False
    others = any(entry.is_dir() or entry.name.casefold().endswith(IMAGE_SUFFIXES) for entry in entries)
    return not others and any(is_table(entry, is_named=False) for entry in entries)


def table_to_read(path: str) -> Path:
    """Return the file to test or to predict on: the file itself, or the test table of a folder, or its only table."""
    found = find_tables(Path(path))
    return found.test or found.train


def _tables(folder: Path) -> list[Path]:
    """Return the tables in a folder."""
    return sorted(file for file in folder.iterdir() if is_table(file, is_named=False) and not file.name.startswith("."))


def _beside(path: Path) -> tuple[str, ...]:
    """Say which test table lies beside a train table that was named by itself."""
    stem, suffix = path.stem, path.suffix
    if suffix.casefold() in TRAIN_SUFFIXES:
        names = [stem + test for test in TEST_SUFFIXES]
    elif TRAIN_STEM.fullmatch(stem):
        cut = stem.casefold().rfind("train")
        names = [stem[:cut] + test + suffix for test in ("test", "Test", "testing")]
    else:
        return ()
    there = [name for name in names if (path.parent / name).is_file()]
    return (
        (f"{there[0]} lies beside {path.name} and is not used: --test {path.parent / there[0]} makes it the test part",)
        if there
        else ()
    )


def _train(tables: list[Path]) -> Path | None:
    """Return the one train table, or the only table; None where it cannot be told."""
    if len(tables) == 1:
        return tables[0]
    return _only(tables, TRAIN_STEM) or _only(tables, re.compile("(?!)"), TRAIN_SUFFIXES)


def _only(tables: list[Path], stem: re.Pattern[str], suffixes: tuple[str, ...] = ()) -> Path | None:
    """Return the one table with a name or an ending of some form; None where there is none, or more than one."""
    named = [file for file in tables if stem.fullmatch(table_stem(file)) or file.suffix.casefold() in suffixes]
    return named[0] if len(named) == 1 else None


def data_name(file: Path) -> str:
    """Name a data set after its train file, such as `imdb_train`; after the folder where the file is only called `train`."""
    stem = table_stem(file)
    return file.resolve().parent.name or stem if PART_STEM.fullmatch(stem) else stem


def table_stem(file: Path) -> str:
    """Return a file's name without its endings: that of packing, and its own."""
    name = file.with_suffix("") if file.suffix.casefold() in PACKED_SUFFIXES else file
    return name.stem
