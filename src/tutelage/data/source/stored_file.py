"""A file as it lies on the disk: plain, compressed (gzip, bzip2, xz), or the one file of a zip archive; read as a stream.

What unpacks to much more than its size, or to more than the memory of the machine, is refused while it is unpacked: such
files are made to fill memory and disks. Nothing is ever unpacked onto the disk.
"""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

from tutelage.core.errors import DataError, DataProblem
from tutelage.core.memory import memory_bytes

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["PACKED_SUFFIXES", "StoredFile", "zip_names"]

Packing = Literal["", "gzip", "bzip2", "xz", "zip"]

ZIP_MAGIC = b"PK\x03\x04"
MAGIC: dict[bytes, Packing] = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", ZIP_MAGIC: "zip"}
PACKED_SUFFIXES = (".gz", ".bz2", ".xz", ".zip")

MIN_LIMIT_BYTES = 2**30
"""What may always be unpacked."""
MAX_RATIO = 200
"""How many times its own size a file may unpack to beyond that; tables of text come to 3 to 30."""
BROKEN = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError)
"""What Python's readers raise for damaged, encrypted or unknown archives."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file and how it is packed.

    Attributes:
        path: Where it is.
        packing: How it is packed; "" if it is not.
        member: Name of the file within a zip archive, or "".
    """

    path: Path
    packing: Packing = ""
    member: str = ""

    @classmethod
    def of(cls, path: Path) -> "StoredFile":
        """Tell by its first bytes how a file is packed.

        Raises:
            OSError: It cannot be read.
            DataError: A zip archive that does not hold exactly one file.
        """
        with path.open("rb") as file:
            start = file.read(6)
        packing: Packing = next((packing for magic, packing in MAGIC.items() if start.startswith(magic)), "")
        return cls(path, packing, _only_member(path) if packing == "zip" else "")

    @property
    def inner_name(self) -> str:
        """The name of what is unpacked: that of the file, without the ending that says how it is packed."""
        if self.member:
            return PurePosixPath(self.member).name
        name = self.path.name
        return name[: -len(self.path.suffix)] if self.packing and self.path.suffix.casefold() in PACKED_SUFFIXES else name

    @property
    def suffix(self) -> str:
        """The ending of the name of what is unpacked, in small letters, such as `.csv`."""
        return PurePosixPath(self.inner_name).suffix.casefold()

    def open(self) -> BinaryIO:
        """Open the unpacked bytes as a stream.

        Raises:
            OSError: It cannot be read; later while reading `DataError`, where it is damaged or unpacks to too much.
        """
        file = self.path.open("rb")
        if not self.packing:
            return file
        try:
            stream = _unpacked(file, self)
        except BROKEN as error:
            file.close()
            raise _damaged(self, 0, error) from error
        return cast(BinaryIO, io.BufferedReader(_Watched(stream, file, self)))


def zip_names(path: Path) -> list[str]:
    """Return the names of the files in a zip archive; [] for any other file."""
    try:
        with path.open("rb") as file:
            if file.read(4) != ZIP_MAGIC:
                return []
        with zipfile.ZipFile(path) as archive:
            return [info.filename for info in archive.infolist() if not info.is_dir()]
    except BROKEN:
        return []


class _Watched(io.RawIOBase):
    """A stream of unpacked bytes that ends in words where the file is damaged or unpacks to too much."""

    def __init__(self, stream: BinaryIO, packed: BinaryIO, stored: StoredFile) -> None:
        self._stream, self._packed, self._stored, self._count = stream, packed, stored, 0
        self._limit = min(memory_bytes(), max(MIN_LIMIT_BYTES, MAX_RATIO * stored.path.stat().st_size))

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Read the next bytes.

        Raises:
            DataError: The file is damaged, or unpacks to too much.
        """
        view = memoryview(buffer).cast("B")
        try:
            block = self._stream.read(len(view))
        except BROKEN as error:
            raise _damaged(self._stored, self._count, error, at=self._packed.tell()) from error
        view[: len(block)] = block
        self._count += len(block)
        if self._count > self._limit:
            size = self._stored.path.stat().st_size
            found = f"{size:,} bytes that unpack to more than {self._limit:,}"
            raise DataError([DataProblem(self._stored.path.name, found, "If it is meant so, unpack it and give what comes out.")])
        return len(block)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self._packed.close()
        super().close()


def _unpacked(file: BinaryIO, stored: StoredFile) -> BinaryIO:
    """Return a stream of the unpacked bytes."""
    if stored.packing == "zip":
        return cast(BinaryIO, zipfile.ZipFile(file).open(stored.member))
    openers: dict[str, Callable[[BinaryIO], object]] = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
    return cast(BinaryIO, openers[stored.packing](file))


def _only_member(path: Path) -> str:
    """Return the name of the one file in a zip archive; what systems put beside it does not count."""
    names = [
        name for name in zip_names(path) if not name.startswith("__MACOSX/") and not PurePosixPath(name).name.startswith(".")
    ]
    if len(names) == 1:
        return names[0]
    if not names:
        raise DataError([DataProblem(path.name, "a zip archive that is damaged or empty", "Fetch or write it again.")])
    shown = ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
    found = f"a zip archive of {len(names):,} files ({shown}), not of one table"
    raise DataError([DataProblem(path.name, found, "Unpack it, and give the table, or the folder.")])


def _damaged(stored: StoredFile, count: int, error: Exception, *, at: int = 0) -> DataError:
    """Say where a packed file is damaged."""
    if isinstance(error, RuntimeError) and "password" in str(error):
        found = "it is encrypted"
    else:
        reason = "it ends too early" if isinstance(error, EOFError) else str(error).rstrip(".") or type(error).__name__
        size = stored.path.stat().st_size
        found = (
            f"damaged {stored.packing} file near byte {min(at, size):,} of {size:,}, after {count:,} unpacked bytes ({reason})"
        )
    remedy = "Fetch or write it again." if "encrypted" not in found else "Unpack it, and give what comes out."
    return DataError([DataProblem(stored.path.name, found, remedy)])
