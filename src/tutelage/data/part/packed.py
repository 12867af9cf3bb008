"""Columns of long tables in less memory: those with few different values as small numbers of these values.

Nothing else is changed: unpacked, a column is what it was.
"""

import pyarrow as pa

__all__ = ["pack", "type_of", "unpack"]

MIN_ROWS = 2**17
"""Rows from which on it is worth the time."""
SAMPLE_ROWS = 2**16
MAX_VALUES = 2**15
"""Different values that two bytes can number."""


def pack(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as numbers of its different values, where it is long and these are few; else as it is."""
    kind = column.type
    can_be = pa.types.is_primitive(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if len(column) < MIN_ROWS or not can_be or pa.types.is_boolean(kind):
        return column
    # Among the first rows of a column with few values most of these have been seen.
    if len(column.slice(0, SAMPLE_ROWS).unique()) > SAMPLE_ROWS // 4:
        return column
    coded = column.combine_chunks().dictionary_encode()
    if len(coded.dictionary) > MAX_VALUES:
        return column
    numbers = coded.indices.cast(pa.int8() if len(coded.dictionary) <= 2**7 else pa.int16())
    return pa.chunked_array([pa.DictionaryArray.from_arrays(numbers, coded.dictionary)])


def unpack(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as it was before it was packed."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def type_of(kind: pa.DataType) -> pa.DataType:
    """Return the type that a column has when it is unpacked."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind
