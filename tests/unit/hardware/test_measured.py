"""The machine file: kept, read again, and refused where it does not hold."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tutelage.core.sealed_record import sealed, unsealed
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
    record = unsealed(path.read_bytes())
    record["fingerprint"]["processor"] = "another"
    path.write_bytes(sealed(record))
    assert load(CPU) is None


def test_a_file_in_which_a_digit_was_changed_counts_as_none() -> None:
    path = save(machine())
    path.write_bytes(path.read_bytes().replace(b"0.001", b"0.009", 1))
    assert load(CPU) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [("seconds", 1e-300), ("seconds", 0), ("flops", 1e300), ("num_bytes", -1), ("dims", [10**40]), ("dims", [-1]), ("op", 5)],
)
def test_a_file_with_an_odd_number_counts_as_none(key: str, value: Any) -> None:
    path = save(machine())
    record = unsealed(path.read_bytes())
    record["points"][0][key] = value
    path.write_bytes(sealed(record))
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
