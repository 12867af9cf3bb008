"""Odd values and bombs, and where in a record they are put."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["BOMBS", "DEEP", "ODD", "changed", "header_of", "paths_of"]

DEEP = 100_000
ODD: dict[str, Any] = {
    "null": None,
    "empty text": "",
    "word": "word",
    "minus one": -1,
    "zero": 0,
    "huge": 10**30,
    "beyond float": 10**400,
    "half": 0.5,
    "list": [],
    "list of lists": [[[]]],
    "table": {},
    "true": True,
    "long text": "x" * 1_000_000,
    "escape": "\x1b[2J\n\r\u202e",
    "path": "../../../../etc/passwd",
    "surrogate": "\ud800",
    "digits": "7",
    "nan as text": "nan",
    "tiny": 5e-324,
    "large": 1e308,
    "negative large": -1e308,
    "one too many bits": 2**63,
    "whole as a fraction": 2.0,
}
BOMBS: dict[str, Callable[[], bytes]] = {
    "deep lists": lambda: b"[" * DEEP + b"]" * DEEP,
    "deep tables": lambda: b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep within": lambda: b'{"format": "plan-1", "a": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep toml": lambda: b"a = " + b"[" * DEEP + b"]" * DEEP,
    "deep dots": lambda: b".".join([b"a"] * DEEP) + b" = 1",
    "long number": lambda: b'{"seed": ' + b"9" * 5_000 + b"}",
    "long number toml": lambda: b"seed = " + b"9" * 5_000,
    "beyond float": lambda: b'{"seed": 1e999}',
    "not a number": lambda: b'{"seed": NaN}',
    "nothing": lambda: b"null",
    "list": lambda: b"[]",
    "text": lambda: b'"x"',
    "not utf-8": lambda: b'{"seed": "\xff\xfe"}',
    "utf-16": lambda: '{"seed": 1}'.encode("utf-16"),
    "mark": lambda: b"\xef\xbb\xbf{}",
    "zeros": lambda: b"\0" * 1_000,
    "many keys": lambda: json.dumps({f"key{i}": i for i in range(500_000)}).encode(),
    "double keys": lambda: b'{"seed": 1, "seed": 2}',
    "code": lambda: b"cos\nsystem\n(S'touch /tmp/owned'\ntR.",
}


def header_of(path: Path) -> dict[str, Any]:
    """Return the header of a model or a checkpoint."""
    import safetensors

    with safetensors.safe_open(path, framework="pt") as file:
        header: dict[str, Any] = json.loads(file.metadata()["tutelage"])
    return header


def paths_of(record: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value in a record, itself included."""
    inner = record.items() if isinstance(record, dict) else enumerate(record[:3]) if isinstance(record, list) else ()
    return [path, *(way for key, value in inner for way in paths_of(value, (*path, key)))]


def changed(record: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a record with another value in one place."""
    if not path:
        return value
    copy: Any = dict(record) if isinstance(record, dict) else list(record)
    copy[path[0]] = changed(record[path[0]], path[1:], value)
    return copy
