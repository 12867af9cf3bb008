"""Parquet, Arrow IPC and Feather files to columns of plain types."""

import hashlib
import io
from pathlib import Path
from typing import cast

import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet

from tutelage.core.errors import DataError, DataProblem
from tutelage.core.memory import is_out_of_memory
from tutelage.data.source.arrow_types import plain_columns
from tutelage.data.source.raw_table import HeldColumns, RawTable, numbered
from tutelage.data.source.stored_file import StoredFile

__all__ = ["COLUMNAR_SUFFIXES", "is_columnar", "read_columnar"]

COLUMNAR_SUFFIXES = (".parquet", ".pq", ".arrow", ".feather", ".ipc")
PARQUET_MAGIC = b"PAR1"
ARROW_MAGICS = (b"ARROW1", b"FEA1")
REMEDY = "Write the file again."


def read_columnar(path: Path) -> RawTable:
    """Read a file whose columns carry types.

    Raises:
        DataError: The file is damaged, has no rows, or has two columns of one name.
    """
    try:
        stored = StoredFile.of(path)
        with stored.open() as file:
            start = file.read(6)
        with stored.open() as file:
            digest = hashlib.file_digest(cast(io.BufferedReader, file), "sha256").hexdigest()
        if not start:
            raise DataError([DataProblem(path.name, "the file is empty (0 bytes)", REMEDY)])
        table = _read(stored, start)
        table.validate(full=True)  # a damaged file may point outside of its own memory
    except (OSError, pa.ArrowException) as error:
        if is_out_of_memory(error) and not isinstance(error, MemoryError):
            # No thread could begin. A size that no memory has is asked for by damaged files.
            raise
        reason = str(error).split("\n", maxsplit=1)[0]
        raise DataError([DataProblem(path.name, f"damaged, or not what its name says ({reason})", REMEDY)]) from error
    twice = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if twice:
        raise DataError([DataProblem(path.name, f"two columns are called {name!r}", "Rename one.") for name in twice])
    if not table.num_rows:
        raise DataError([DataProblem(path.name, "column names, but no rows", "Give a table with rows.")])
    columns, notes = plain_columns(table, file=path.name)
    lines, items = numbered(table.num_rows, first=1), numbered(table.num_rows)
    return RawTable(file=path.name, columns=HeldColumns(columns), lines=lines, items=items, digest=digest, notes=tuple(notes))


def is_columnar(path: Path) -> bool:
    """Tell from its first bytes whether a file is Parquet, Arrow IPC or Feather."""
    try:
        with path.open("rb") as file:
            return file.read(6).startswith((PARQUET_MAGIC, *ARROW_MAGICS))
    except OSError:
        return False


def _read(stored: StoredFile, start: bytes) -> pa.Table:
    """Read a file by what its first bytes say it is."""
    place = stored.path if not stored.packing else pa.BufferReader(_unpack(stored))
    if start.startswith(PARQUET_MAGIC):
        return pyarrow.parquet.ParquetFile(place).read()
    if start.startswith(ARROW_MAGICS):
        return pyarrow.feather.read_table(place, memory_map=False)
    with stored.open() as file, pa.ipc.open_stream(file) as reader:
        return reader.read_all()


def _unpack(stored: StoredFile) -> bytes:
    """Return the content of a packed file."""
    with stored.open() as file:
        return file.read()
