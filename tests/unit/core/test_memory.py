"""How much memory there is, whatever limits it most; and a lack of it, whichever library tells it."""

import resource
from pathlib import Path

import pyarrow as pa
import pytest

from tutelage.core import control_groups
from tutelage.core.errors import OutOfMemoryError
from tutelage.core.memory import memory_bytes, memory_told


@pytest.mark.parametrize("said", ["3000\n", "max\n", ""])
@pytest.mark.parametrize("soft", [2000, 4000, resource.RLIM_INFINITY])
def test_the_tightest_limit_counts(said: str, soft: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memory.max").write_text(said)
    (tmp_path / "mounts").write_text(f"30 22 0:30 / {tmp_path} rw - cgroup2 cgroup rw\n")
    monkeypatch.setattr(control_groups, "MOUNTS", tmp_path / "mounts")
    monkeypatch.setattr(control_groups, "OWN", tmp_path / "none")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, soft))
    limits = ([3000] if said == "3000\n" else []) + ([] if soft == resource.RLIM_INFINITY else [soft])
    assert memory_bytes() == min(limits) if limits else memory_bytes() > 4000


@pytest.mark.parametrize(
    "error",
    [
        pa.lib.ArrowException("Unknown error: Failed to launch worker thread: Resource temporarily unavailable"),
        pa.lib.ArrowMemoryError("malloc of size 64 failed"),
        RuntimeError("can't start new thread"),
    ],
)
def test_what_libraries_say_of_a_lack_of_memory_is_told_with_what_was_done(error: Exception) -> None:
    with pytest.raises(OutOfMemoryError, match="out of memory while reading"), memory_told("reading"):
        raise error


@pytest.mark.parametrize("error", [pa.lib.ArrowException("Unknown error: odd"), ValueError("out of memory"), KeyError("x")])
def test_any_other_error_stays_what_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as found, memory_told("reading"):
        raise error
    assert found.value is error
