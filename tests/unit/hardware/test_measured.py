"""The machine file: kept, read again, and refused where it does not hold."""

import json
from pathlib import Path

import pytest
import torch

from tutelage.hardware.fingerprint import fingerprint, key_of, processor_name
from tutelage.hardware.measured import MachineFile, load, machine_path, save
from tutelage.hardware.point import Point

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path))


def point(*, seconds: float = 1e-3, flops: float = 2e9, dtype: str = "float32") -> Point:
    return Point(
        op="mm", category="matmul", dtype=dtype, phase="forward", sizes="1024", flops=flops, num_bytes=12e6, seconds=seconds
    )


def machine(**changes: object) -> MachineFile:
    return MachineFile.model_validate({"fingerprint": fingerprint(CPU), "points": [point()], **changes})


def test_what_was_kept_is_read_again() -> None:
    assert load(CPU) is None
    path = save(machine(measured_at="2026-01-01 00:00"))
    assert path.parent.name == "machine"
    assert load(CPU) == machine(measured_at="2026-01-01 00:00")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"points": 1}', b"\xff", b'{"version": NaN}'])
def test_a_damaged_file_counts_as_none(content: bytes) -> None:
    path = save(machine())
    path.write_bytes(content)
    assert load(CPU) is None


def test_a_file_of_another_version_counts_as_none() -> None:
    save(machine(version=0))
    assert load(CPU) is None


def test_a_file_of_another_machine_counts_as_none() -> None:
    path = save(machine())
    record = json.loads(path.read_text())
    record["fingerprint"]["processor"] = "another"
    path.write_text(json.dumps(record))
    assert load(CPU) is None


def test_other_threads_make_another_file() -> None:
    found = fingerprint(CPU)
    assert found["processor"] == processor_name() != ""
    assert found["threads"] == str(torch.get_num_threads())
    assert key_of(found) != key_of(found | {"threads": "99"})
    assert machine_path(found) != machine_path(found | {"threads": "99"})


def test_the_best_point_is_the_fastest_of_its_precision() -> None:
    points = [point(), point(seconds=1e-4), point(seconds=1e-5, dtype="bfloat16")]
    found = machine(points=points).best("matmul", "float32")
    assert found is not None
    assert found.flops_per_second == pytest.approx(2e13)
    assert machine().best("attention", "float32") is None
