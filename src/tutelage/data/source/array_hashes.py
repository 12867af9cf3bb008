"""Hashes of data from Python, by which a resumed run knows that they are the same; not a component."""

import hashlib
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tutelage.data.source.pixel_arrays import pieces

__all__ = ["hash_arrays", "hash_columns"]


def hash_arrays(inputs: np.ndarray, labels: np.ndarray | None) -> str:
    """Hash inputs and labels."""
    digest = hashlib.sha256(f"{inputs.shape}{inputs.dtype}".encode())
    for piece in pieces(inputs):
        digest.update(np.ascontiguousarray(piece).data)
    if labels is not None:
        digest.update("\0".join(map(str, labels.tolist())).encode() if labels.dtype == object else labels.tobytes())
    return digest.hexdigest()


def hash_columns(columns: Mapping[str, pa.ChunkedArray]) -> str:
    """Hash the content of a table by its values, whatever Arrow keeps where they are missing."""
    digest = hashlib.sha256()
    for name, column in columns.items():
        digest.update(f"{name}\0{column.type}\0".encode())
        digest.update(np.packbits(np.asarray(pc.is_valid(column))).tobytes())
        values = column.drop_null()
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            digest.update("\0".join(values.to_pylist()).encode("utf-8", "surrogatepass"))
        else:
            digest.update(np.ascontiguousarray(np.asarray(values)).tobytes())
    return digest.hexdigest()
