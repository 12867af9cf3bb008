"""The border: what is too large, too deep, too long or simply wrong is refused in words, and never takes long."""

import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from tutelage.core.border import BorderError, MalformedError, parse_json, parse_object, parse_toml, read_bounded


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"[" * 10_000_000, "more than 2,000,000 values"),
        (b"[" * 1000 + b"]" * 1000, "more than 64 deep"),
        (b"[" * 65 + b"1" + b"]" * 65, "more than 64 deep"),
        (b'{"a": ' * 65 + b"1" + b"}" * 65, "more than 64 deep"),
        (b"[" * 100_000, "more than 64 deep"),
        (b'{"a": 1, "a": 2}', "the key 'a' stands twice in one object"),
        (b"[NaN]", "found NaN"),
        (b"-Infinity", "found -Infinity"),
        (b"1e999", "too large"),
        (b"1" * 5000, "5,000 digits"),
        (b"\xff", "not UTF-8"),
        (b"", "not JSON"),
        (b"{", "not JSON"),
    ],
)
def test_json_beyond_a_limit_is_refused(content: bytes, found: str) -> None:
    with pytest.raises(BorderError, match=found):
        parse_json(content)


def test_json_within_the_limits_is_read() -> None:
    deep = b"[" * 60 + b"]" * 60
    assert parse_json(b'{"a": [1, 2.5, "x", null, true], "b": ' + deep + b"}")["a"] == [1, 2.5, "x", None, True]
    deepest: Any = parse_json(b"[" * 65 + b"]" * 65)
    for _ in range(64):
        (deepest,) = deepest
    assert deepest == []
    assert parse_json(b'"' + b"[" * 100 + b'"') == "[" * 100
    assert parse_json(b"340282366920938463463374607431768211455") == 2**128 - 1
    assert parse_json(b"[Infinity]", with_constants=True) == [float("inf")]
    with pytest.raises(BorderError, match="found a list, expected an object"):
        parse_object(b"[1]")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"a = " + b"[" * 5000, "more than 64 deep"),
        (b".".join([b"a"] * 300_000) + b" = 1", "more than 16 dots"),
        (b"[" + b" . ".join([b'"a"'] * 100) + b"]", "more than 16 dots"),
        (b"a = " + b"1" * 5000, "limit"),
        (b"a = 0x" + b"f" * 50_000, "200,000 bits"),
        (b"a = [1.0, inf]", r"a\[1\] = inf: expected a finite number"),
        (b"a = nan", "a = nan"),
        (b"a = 1e999", "finite"),
        (b"#" * 2_000_000, "2,000,000 bytes"),
        (b"a = \xff", "not a TOML file"),
    ],
)
def test_toml_beyond_a_limit_is_refused(content: bytes, found: str) -> None:
    with pytest.raises(BorderError, match=found):
        parse_toml(content)


def test_what_is_not_toml_is_told_apart_from_what_is_too_much() -> None:
    with pytest.raises(MalformedError, match="line 1"):
        parse_toml(b"a = b")
    assert parse_toml(b"[a.b]\nc = 'x.y.z'") == {"a": {"b": {"c": "x.y.z"}}}


def test_only_files_of_a_bounded_size_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"12345")
    assert read_bounded(path, most=5) == b"12345"
    with pytest.raises(BorderError, match="5 bytes, expected at most 4"):
        read_bounded(path, most=4)
    with path.open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(BorderError, match="1,000,000,000,000 bytes"):
        read_bounded(path)
    with pytest.raises(BorderError, match="is a folder"):
        read_bounded(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BorderError, match="pipe"):
        read_bounded(tmp_path / "pipe")


def test_no_more_memory_is_asked_for_than_a_file_is_long(tmp_path: Path) -> None:
    path = tmp_path / "small.json"
    path.write_bytes(b"{}")
    tracemalloc.start()
    try:
        assert read_bounded(path) == b"{}"
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_file_whose_length_is_not_told_is_read_to_its_end() -> None:
    told = Path("/proc/self/status")
    if not told.exists():
        pytest.skip("only some systems have such files")
    assert told.stat().st_size == 0
    assert read_bounded(told).splitlines()[-1].startswith(b"nonvoluntary_ctxt_switches")
