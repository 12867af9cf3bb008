"""Whether a file of torch.export holds weights and a graph of known operations, and nothing else that loading it would run.

`torch.export.load` unpickles whatever an archive asks it to, evaluates its sizes as Python, and takes any function of torch for
an operation. Nothing of ours needs that, so it is refused before torch loads the file. Not a component.
"""

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch.export.pt2_archive import PT2ArchiveReader

from tutelage.core.errors import RunError

__all__ = ["read_entry", "require_plain"]

GRAPH, EXAMPLES = "models/model.json", "data/sample_inputs/model.pt"
PAYLOADS = {"data/weights/model_weights_config.json": r"weight_\d+", "data/constants/model_constants_config.json": r"tensor_\d+"}
"""What lists tensors, and how the entries are called that hold them: bytes of numbers."""
ENTRIES = re.compile(
    rf"{re.escape(GRAPH)}|{re.escape(EXAMPLES)}|{'|'.join(map(re.escape, PAYLOADS))}|data/weights/weight_\d+"
    r"|data/constants/tensor_\d+|extra/[\w.-]+|archive_format|archive_version|byteorder|version|\.data/\w+"
)
"""What an archive may hold; compiled code, objects of Python and weights of older versions have other names."""
OPERATION = re.compile(
    r"torch\.ops\.[a-z]\w*\.\w+\.\w+|torch\.ops\.higher_order\.\w+|torch\._?sym_\w+|math\.\w+"
    r"|_operator\.(add|sub|mul|truediv|floordiv|mod|pow|neg|pos|abs|eq|ne|lt|le|gt|ge|and_|or_|not_|getitem)"
)
"""What a graph may call."""
SIZE = re.compile(
    r"'[a-z]+\d+'|'-?\d+(\.\d*)?'|[a-z]+=(True|False|\d+)|[a-z]+\d+|[A-Z]\w*|floor|ceiling|true|false|\d+(\.\d*)?|[\s+\-*/()<>=&|~,!]"
)
"""What a size may be written of: names such as `'s77'` and what is known of them, functions of sympy, numbers and signs."""


def read_entry(path: Path, name: str) -> str:
    """Return the text that was stored beside a graph.

    Raises:
        RunError: There is none, or this is no such archive.
    """
    try:
        return PT2ArchiveReader(str(path)).read_string(f"extra/{name}")
    except Exception as error:  # a border: torch's reader raises RuntimeError, AssertionError and UnicodeDecodeError
        raise _refused(path, f"it has no entry {name!r}") from error


def require_plain(path: Path) -> None:
    """Refuse a file that could run something other than its graph.

    Raises:
        RunError: It could, or this is no such archive; with what was found.
    """
    try:
        archive = PT2ArchiveReader(str(path))
        names = set(archive.get_file_names())
        with zipfile.ZipFile(path) as whole:  # what torch falls back upon reads names in this way
            names |= {name.partition("/")[2] for name in whole.namelist()}
        odd = min((name for name in names if not ENTRIES.fullmatch(name)), default=None)
        found = f"it has an entry {odd!r}" if odd is not None else next(_faults(archive, names), "")
    except Exception as error:  # a border: damaged files raise nearly everything
        raise _refused(path, f"{type(error).__name__} at reading it") from error
    if found:
        raise _refused(path, found)


def _faults(archive: PT2ArchiveReader, names: set[str]) -> Iterator[str]:
    """Say what would be run."""
    for listing, form in PAYLOADS.items():
        for name, told in json.loads(archive.read_bytes(listing))["config"].items():
            if told["use_pickle"] or not re.fullmatch(form, told["path_name"]):
                yield f"tensor {name!r} is an object of Python, in {told['path_name']!r}"
    if EXAMPLES in names and archive.read_bytes(EXAMPLES):
        yield "it has example inputs, which torch unpickles"
    for key, text in _texts(json.loads(archive.read_bytes(GRAPH))):
        if key == "expr_str" and SIZE.sub("", text):
            yield f"a size is written as {text[:80]!r}"
        if key in ("target", "as_operator") and not OPERATION.fullmatch(text):
            yield f"its graph calls {text[:80]!r}"


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield each text in JSON values, with the key that it stands under."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, key)
    elif isinstance(value, str):
        yield key, value


def _refused(path: Path, found: str) -> RunError:
    return RunError(f"{path}: is not what `tutelage export` writes, so it is not run: {found}. Export the run anew.")
