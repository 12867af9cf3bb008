"""Named tensors with JSON values in one safetensors file, written durably and verified when read: models and checkpoints alike.

It stands here, and not in `core`, since `core` may not load torch, and of the two rooms that use it, `training` and
`predictor`, neither may know the other; weights are a model's, and so is the lowest room that both may ask. No code is ever
loaded. Use it for everything that holds weights; for records without tensors use `core/durable.py`.

The file's header has one entry (several would be written in random order, and equal contents must be equal files): format,
values, and a SHA-256 over both and all tensors. So a flipped bit, a cut-off file or a forged header is found.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor

from tutelage.core.border import BorderError, opened, parse_json
from tutelage.core.durable import replacing
from tutelage.core.errors import BRING_BACK, OutOfMemoryError, RunError
from tutelage.core.names import is_unicode, shorten

__all__ = ["Announce", "Stored", "hash_tensors", "load_tensors", "read_seal", "save_tensors"]

Announce = Callable[[str], Callable[[Path], None]]
"""Takes a file's seal, and returns what is told of the file aside before it takes its place."""

ENTRY = "tutelage"
"""The name of the header's one entry."""
MAX_HEADER_BYTES = 64 * 2**20
"""Longest header: the values of the largest tables and vocabularies have a few million bytes."""
ENDS = re.compile(rb'"data_offsets":\s*\[\s*\d{1,18}\s*,\s*(\d{1,18})\s*\]')
"""Where each tensor ends, in a header."""
MAX_TENSORS = 50_000
"""Most tensors in a file: a checkpoint of a network of a thousand layers has some ten thousand."""


class Stored(NamedTuple):
    """What a file holds: tensors by name on the CPU, JSON values, the name of the format it was written as, and its seal."""

    tensors: dict[str, Tensor]
    values: dict[str, Any]
    format: str
    seal: str


def hash_tensors(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 over names, types, shapes and bytes of tensors on the CPU; their order does not matter."""
    sha = hashlib.sha256()
    for key in sorted(tensors):
        tensor = tensors[key].detach()
        sha.update(f"{key}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        if tensor.numel():
            # The tensor's own memory: a checkpoint is not copied once more to be hashed.
            sha.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()


def save_tensors(
    path: Path,
    tensors: Mapping[str, Tensor],
    *,
    format: str,  # noqa: A002
    values: Mapping[str, object],
    announce: Announce | None = None,
) -> str:
    """Write a file durably: after a crash at any moment the old or the new one is there, whole.

    Args:
        path: The file.
        tensors: On the CPU, contiguous, none sharing memory with another. Nobody may write into them until this returns.
        format: Names what is stored and how, such as `checkpoint-2`.
        values: Further values, as JSON has them.
        announce: Told of the file before it takes its place.

    Returns:
        The `hash_tensors` of the tensors.

    Raises:
        RunError: It would be beyond what is read again.
        DiskError: The file cannot be written, such as on a full disk.
    """
    sha = hash_tensors(tensors)
    text = json.dumps(values)
    if len(tensors) > MAX_TENSORS or len(text) > MAX_HEADER_BYTES // 2:
        found = f"{len(tensors):,} tensors and {len(text):,} bytes of other values"
        limits = f"{MAX_TENSORS:,} and {MAX_HEADER_BYTES // 2:,}"
        raise RunError(f"{path}: cannot be written: {found}; at most {limits} are read again.")
    seal = _seal(sha, format, text)
    header = {"format": format, "sha256": seal, "values": json.loads(text)}
    needs = sum(tensor.nbytes for tensor in tensors.values()) + len(text)
    with replacing(path, needs=needs, announce=None if announce is None else announce(seal)) as aside:
        try:
            # Straight from the tensors' memory to the file, and other threads go on meanwhile.
            save_file(dict(tensors), aside, {ENTRY: json.dumps(header)})
        except safetensors.SafetensorError as error:
            raise _as_system_says(error) or RunError(f"{path}: cannot be written ({error}).") from error
    return sha


def load_tensors(path: Path, *, formats: Sequence[str]) -> Stored:
    """Read and verify a file.

    Args:
        path: The file.
        formats: The formats that the caller understands.

    Raises:
        RunError: The file is missing, damaged, not of ours, or of another format.
    """
    try:
        _refuse_large_header(path)
        with _open(path) as file:
            entry = (file.metadata() or {}).get(ENTRY)
            header = _header(path, entry, formats=formats)
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
    except FileNotFoundError as error:
        remedy = "Finish the run if it has not ended; else bring an intact copy back, or train anew."
        raise RunError(f"{path}: is missing. {remedy}") from error
    except MemoryError as error:
        # The file may be as good as ever.
        found = f"{path}: reading its {path.stat().st_size:,} bytes takes more memory than there is"
        remedy = "End other programs, or give this process more (ulimit -v, or the container's limit)."
        raise OutOfMemoryError(f"{found}. {remedy}") from error
    except (safetensors.SafetensorError, OSError, BorderError) as error:
        raise RunError(f"{path}: cannot be read ({error}). {BRING_BACK}") from error
    if header["sha256"] != _seal(hash_tensors(tensors), header["format"], json.dumps(header["values"])):
        raise RunError(f"{path}: the content does not match its SHA-256: it was changed after it was written. {BRING_BACK}")
    return Stored(tensors, header["values"], header["format"], header["sha256"])


def read_seal(path: Path) -> str:
    """Return what a file says its SHA-256 is, "" where it says none; nothing is verified by it."""
    try:
        _refuse_large_header(path)
        with _open(path) as file:
            header = parse_json((file.metadata() or {})[ENTRY].encode(), with_constants=True)
        return str(header["sha256"])
    except (OSError, safetensors.SafetensorError, BorderError, KeyError, TypeError, MemoryError):
        return ""


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    """Open a file of tensors; one whose name is no Unicode, which safetensors refuses, by the number of its descriptor."""
    if is_unicode(str(path)):
        with safetensors.safe_open(path, framework="pt") as file:
            yield file
        return
    number = opened(path)
    try:
        with safetensors.safe_open(f"/dev/fd/{number}", framework="pt") as file:
            yield file
    finally:
        os.close(number)


def _refuse_large_header(path: Path) -> None:
    """Refuse a header that would take long to read, or much memory.

    Raises:
        BorderError: It is too long, or names too many tensors.
        OSError: The file cannot be read.
    """
    with os.fdopen(opened(path), "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size > MAX_HEADER_BYTES:
            raise BorderError(f"its header would have {size:,} bytes, expected at most {MAX_HEADER_BYTES:,}")
        # Within the values' own text every quote has a backslash before it.
        header = file.read(size)
        count, there = header.count(b'"data_offsets"'), os.fstat(file.fileno()).st_size
    if count > MAX_TENSORS:
        raise BorderError(f"its header names {count:,} tensors, expected at most {MAX_TENSORS:,}")
    promised = 8 + size + max((int(end) for end in ENDS.findall(header)), default=0)
    if there > promised:
        # One that is shorter is told by the library; a longer one it would ask memory for.
        raise BorderError(f"it has {there:,} bytes, its header says {promised:,}")


def _header(path: Path, entry: str | None, *, formats: Sequence[str]) -> dict[str, Any]:
    """Return the header's entry, with everything in it of the right type."""
    if entry is None:
        raise RunError(f"{path}: was not written by tutelage: its header has no entry {ENTRY!r}. Expected {_either(formats)}.")
    try:
        header = parse_json(entry.encode(), with_constants=True)
    except (BorderError, UnicodeEncodeError) as error:
        raise RunError(f"{path}: its header cannot be read: {error}. {BRING_BACK}") from error
    found = header.get("format") if isinstance(header, dict) else None
    if isinstance(found, str) and found not in formats:
        remedy = "Train anew, or use the version of tutelage that wrote it."
        raise RunError(f"{path}: is of format {found!r}; this version reads {_either(formats)}. {remedy}")
    for key, kind in (("format", str), ("sha256", str), ("values", dict)):
        value = header.get(key) if isinstance(header, dict) else None
        if not isinstance(value, kind):
            raise RunError(f"{path}: its header says {key} = {shorten(value)}, expected a {kind.__name__}. {BRING_BACK}")
    checked: dict[str, Any] = header
    return checked


def _seal(tensors_sha: str, format: str, text: str) -> str:  # noqa: A002
    """Return the SHA-256 over everything in a file, from that of its tensors: these are hashed once only."""
    return hashlib.sha256("\n".join([format, tensors_sha, text]).encode()).hexdigest()


def _either(formats: Sequence[str]) -> str:
    """Name the formats that are understood."""
    return " or ".join(repr(name) for name in formats)


def _as_system_says(error: Exception) -> OSError | None:
    """Return what the system refused, which the library tells in its words; None where it is something else."""
    found = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(found[1]), os.strerror(int(found[1]))) if found else None
