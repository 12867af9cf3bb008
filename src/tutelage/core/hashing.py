"""Hashes over the beginning of a file, read piece by piece: logs are larger than one wants in memory."""

import hashlib
from typing import BinaryIO

__all__ = ["feed"]

CHUNK_BYTES = 2**20


def feed(running: "hashlib._Hash", file: BinaryIO, size: int) -> int:
    """Give the next bytes of a file to a running hash, and return how many there were: fewer than `size` where it ends before."""
    left = size
    while left > 0 and (chunk := file.read(min(left, CHUNK_BYTES))):
        running.update(chunk)
        left -= len(chunk)
    return size - left
