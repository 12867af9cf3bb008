"""A 64-bit hash of each row of a table, to find equal rows: whole columns at a time, in pieces of bounded size.

Cells are equal if their values are: 3 and 3.0, words however Arrow holds them. The order of columns does not count, and a
missing cell counts as little as a column that is not there. Not for cryptography.
"""

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["chance_of_pair", "digest_rows"]

PIECE_ROWS = 2**18
"""Rows that are hashed at a time."""
PIECE_BYTES = 2**20
"""Bytes of short texts that are hashed at a time."""
LONG_TEXT = 128
"""Bytes from which on a text is hashed by itself: one call then costs less than sums over its bytes."""

BASE = 0x9E3779B97F4A7C15 | 1
"""Odd, so that it has an inverse modulo 2**64: the golden ratio's fraction."""
MIX_1, MIX_2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
"""The multipliers of splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014)."""


def digest_rows(columns: Iterable[tuple[str, pa.ChunkedArray]], *, num_rows: int) -> np.ndarray:
    """Return uint64 [N]: the sum of the hashes of each row's cells, mixed once more.

    Args:
        columns: Name and cells of each column; taken one after the other, so that only one need be in memory.
        num_rows: N.
    """
    total = np.zeros(num_rows, dtype=np.uint64)
    for name, column in columns:
        seed = np.uint64(int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little"))
        start = 0
        for piece in _pieces(column):
            cells = _mix(_hash_cells(piece) ^ seed)
            cells[np.asarray(pc.is_null(piece))] = 0
            total[start : start + len(piece)] += cells
            start += len(piece)
    return _mix(total)


def chance_of_pair(counts: np.ndarray) -> float:
    """Return how likely two cells of a column are equal.

    Args:
        counts: How often each value is there, [V].

    Example:
        >>> chance_of_pair(np.array([2, 2])), chance_of_pair(np.array([1, 1, 1]))
        (0.3333333333333333, 0.0)
    """
    times = counts.astype(np.float64)
    total = times.sum()
    return float((times * (times - 1)).sum() / max(total * (total - 1), 1))


def _pieces(column: pa.ChunkedArray) -> Iterator[pa.Array]:
    """Yield a column in pieces."""
    for chunk in column.chunks:
        for start in range(0, len(chunk), PIECE_ROWS):
            yield chunk.slice(start, PIECE_ROWS)


def _hash_cells(cells: pa.Array) -> np.ndarray:
    """Return a hash of each cell's value, uint64 [N]; of missing ones anything."""
    kind = cells.type
    if pa.types.is_dictionary(kind):
        return _hash_cells(cells.cast(kind.value_type))
    if pa.types.is_floating(kind):
        return _number_bits(cells)
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        whole = cells.cast(pa.int64(), safe=False).fill_null(0)
        bits: np.ndarray = np.asarray(whole).view(np.uint64)
        return bits
    if pa.types.is_timestamp(kind):
        moments: np.ndarray = np.asarray(cells.cast(pa.timestamp("us"), safe=False).cast(pa.int64()).fill_null(0)).view(np.uint64)
        return moments
    if pa.types.is_nested(kind):
        # Lists and records have no bytes of their own; they are rare, and no feature.
        cells = pa.array([repr(value) for value in cells.to_pylist()])
    texts = _as_bytes(cells)
    if texts.nbytes > LONG_TEXT * len(texts):
        # Long texts seldom repeat.
        return _hash_texts(texts)
    coded = texts.dictionary_encode()
    hashes = _hash_texts(coded.dictionary)
    words: np.ndarray = hashes[np.asarray(coded.indices)]
    return words


def _number_bits(cells: pa.Array) -> np.ndarray:
    """Return the bits of numbers; those of whole ones as if they were held as integers."""
    numbers = np.asarray(cells.cast(pa.float64()).fill_null(0.0))
    is_whole = (np.abs(numbers) < 2.0**53) & (np.floor(numbers) == numbers)
    whole = np.where(is_whole, numbers, 0.0).astype(np.int64)
    bits: np.ndarray = np.where(is_whole, whole.view(np.uint64), ~np.ascontiguousarray(numbers).view(np.uint64))
    return bits


def _as_bytes(cells: pa.Array) -> pa.LargeBinaryArray:
    """Return the bytes of texts and of what is written as text; of missing cells none."""
    kind = cells.type
    is_binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
    if not is_binary:
        cells = cells.cast(pa.large_string())
    return cells.cast(pa.large_binary()).fill_null(b"")


def _hash_texts(texts: pa.LargeBinaryArray) -> np.ndarray:
    """Return a hash of each text, uint64 [N]: of short ones sum(byte * BASE ** place) modulo 2**64, mixed with the length."""
    offsets = np.frombuffer(texts.buffers()[1], dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    content = texts.buffers()[2]
    data = np.frombuffer(content, dtype=np.uint8) if content is not None else np.zeros(0, dtype=np.uint8)
    hashes = np.empty(len(texts), dtype=np.uint64)
    # Long ones divide the others into stretches.
    long, start = np.flatnonzero(np.diff(offsets) >= LONG_TEXT).tolist(), 0
    for place in (*long, len(texts)):
        while start < place:
            stop = int(np.searchsorted(offsets, offsets[start] + PIECE_BYTES, side="right")) - 1
            stop = min(stop, place)
            hashes[start:stop] = _hash_bytes(data[offsets[start] : offsets[stop]], offsets[start : stop + 1] - offsets[start])
            start = stop
        start = place + 1
    for place in long:
        digest = hashlib.blake2b(data[offsets[place] : offsets[place + 1]].data, digest_size=8).digest()
        hashes[place] = int.from_bytes(digest, "little")
    return hashes


def _hash_bytes(data: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Hash pieces of bytes that follow each other: differences of one running sum, brought back to place 0."""
    powers = _powers(BASE, len(data) + 1)
    sums = np.zeros(len(data) + 1, dtype=np.uint64)
    np.cumsum((data.astype(np.uint64) + np.uint64(1)) * powers[:-1], out=sums[1:])
    inverse = _powers(pow(BASE, -1, 2**64), len(data) + 1)
    starts, ends = offsets[:-1], offsets[1:]
    return _mix((sums[ends] - sums[starts]) * inverse[starts] + (ends - starts).astype(np.uint64) * np.uint64(MIX_2))


def _powers(base: int, count: int) -> np.ndarray:
    """Return base ** 0 .. base ** (count - 1) modulo 2**64."""
    factors = np.full(count, base, dtype=np.uint64)
    factors[0] = 1
    powers: np.ndarray = np.multiply.accumulate(factors)
    return powers


def _mix(values: np.ndarray) -> np.ndarray:
    """Spread each bit over all 64, as splitmix64 ends."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(MIX_1)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(MIX_2)
    mixed: np.ndarray = values ^ (values >> np.uint64(31))
    return mixed
