"""The columns of a text table that Arrow can read, a few at a time: a large file is read again for each group of them.

Text takes half as much memory again in Arrow as in its file. So a file is first read through, block by block, which tells
whether Arrow can read it all, which rows are blank and how long its columns are; then each group of columns is read when
one of it is asked for. Small files are read once.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from tutelage.data.source.stored_file import StoredFile

__all__ = ["CsvColumns", "CsvFormat"]

BLOCK_BYTES = 2**20
"""Bytes that are read into one piece of each column; a row must fit. Arrow reads some tens of blocks ahead."""
MIN_GROUP_BYTES = 2**26
MAX_GROUPS = 8
"""A file is read again so many times at most; a group has at least 64 MiB."""


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """How Arrow has to read a file.

    Attributes:
        stored: The file, and how it is packed.
        encoding: How it is written.
        delimiter: What divides its cells.
        width: Number of columns.
        num_head_lines: Lines before the first row.
        has_quotes: Whether cells are quoted.
        has_breaks: Whether quoted cells hold line breaks.
    """

    stored: StoredFile
    encoding: str
    delimiter: str
    width: int
    num_head_lines: int
    has_quotes: bool
    has_breaks: bool

    def blocks(self, places: tuple[int, ...] = ()) -> Iterator[pa.RecordBatch]:
        """Yield the rows block by block; of some columns, or of all.

        Raises:
            pyarrow.ArrowInvalid: A row has another width, or is longer than a block.
        """
        names = [str(index) for index in range(self.width)]
        read = pyarrow.csv.ReadOptions(
            column_names=names,
            skip_rows=self.num_head_lines,
            block_size=BLOCK_BYTES,
            encoding="utf8" if self.encoding == "utf-8-sig" else self.encoding,
        )
        # A blank line counts as a row of empty cells, so that row numbers stay line numbers.
        parse = pyarrow.csv.ParseOptions(
            delimiter=self.delimiter,
            quote_char='"' if self.has_quotes else False,
            newlines_in_values=self.has_breaks,
            ignore_empty_lines=False,
        )
        convert = pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[],
            strings_can_be_null=False,
            include_columns=[names[place] for place in places],
        )
        with (
            self._open() as file,
            pyarrow.csv.open_csv(file, read_options=read, parse_options=parse, convert_options=convert) as reader,
        ):
            yield from reader

    def _open(self) -> pa.NativeFile:
        """Open the unpacked bytes; whether they are packed is told by the content, not by the name."""
        if not self.stored.packing:
            return pa.OSFile(os.fsencode(self.stored.path))
        return pa.PythonFile(self.stored.open(), mode="r")


class CsvColumns:
    """Columns of a file, of which a few are in memory at a time."""

    def __init__(self, layout: CsvFormat) -> None:
        """Read a file through.

        Raises:
            pyarrow.ArrowInvalid: Arrow cannot read it all.
        """
        self._format = layout
        self._sizes = np.zeros(layout.width, dtype=np.int64)
        self._mask: np.ndarray | None = None
        self._places = {str(index): index for index in range(layout.width)}
        self._held: dict[int, pa.ChunkedArray] = {}
        self._released: set[int] = set()
        is_blank: list[np.ndarray] = []
        kept: list[pa.RecordBatch] | None = []
        for block in layout.blocks():
            is_blank.append(_blank_rows(block))
            self._sizes += [column.nbytes for column in block.columns]
            if kept is not None:
                kept.append(block)
                kept = kept if self._sizes.sum() <= MIN_GROUP_BYTES else None
        self.is_blank = np.concatenate(is_blank) if is_blank else np.zeros(0, dtype=bool)
        if kept is not None:
            self._hold(range(layout.width), kept)
        pa.default_memory_pool().release_unused()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self._places)

    def get(self, name: str) -> pa.ChunkedArray:
        """Return a column; it is read with others of its group where it is not in memory."""
        place = self._places[name]
        if place not in self._held:
            pa.default_memory_pool().release_unused()  # of the group before
            group = self._group(place)
            self._hold(group, list(self._format.blocks(tuple(group))))
        return self._held[place]

    def row(self, index: int) -> list[Any]:
        """Return the cells of a row."""
        at = index if self._mask is None else int(np.flatnonzero(self._mask)[index])
        for block in self._format.blocks():
            if at < len(block):
                cells = list(block.slice(at, 1).to_pylist()[0].values())
                return [cells[place] for place in self._places.values()]
            at -= len(block)
        raise IndexError(index)

    def release(self, name: str) -> None:
        """Let the memory of a column go."""
        place = self._places[name]
        self._held.pop(place, None)
        self._released.add(place)

    def keep(self, mask: np.ndarray) -> None:
        """Leave out rows, of what is in memory and of what will be read."""
        assert self._mask is None
        self._mask = mask
        for place, column in self._held.items():
            self._held[place] = column.filter(pa.array(mask))

    def choose(self, names: Mapping[str, str]) -> None:
        """Leave out and rename columns."""
        self._places = {name: self._places[old] for name, old in names.items()}
        self._held = {place: column for place, column in self._held.items() if place in self._places.values()}

    def _group(self, place: int) -> list[int]:
        """Return the columns that are read together with one: those still to be read, in order, up to some size."""
        limit = max(MIN_GROUP_BYTES, int(self._sizes.sum()) // MAX_GROUPS)
        group, size = [place], int(self._sizes[place])
        in_use = sorted(self._places.values())
        for other in in_use[in_use.index(place) + 1 :]:
            if other in self._held or other in self._released:
                continue
            size += int(self._sizes[other])
            if size > limit:
                break
            group.append(other)
        return group

    def _hold(self, places: Iterable[int], blocks: list[pa.RecordBatch]) -> None:
        """Take columns that were read into memory."""
        for index, place in enumerate(places):
            column = pa.chunked_array([block.column(index) for block in blocks], type=pa.string())
            self._held[place] = column if self._mask is None else column.filter(pa.array(self._mask))


def _blank_rows(block: pa.RecordBatch) -> np.ndarray:
    """Return which rows have nothing but blanks in all cells."""
    is_blank = np.ones(len(block), dtype=bool)
    for column in block.columns:
        is_blank &= np.asarray(pc.equal(pc.binary_length(pc.utf8_trim_whitespace(column)), 0))
        if not is_blank.any():
            break
    return is_blank
