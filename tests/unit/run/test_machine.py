"""What is known of this machine is taken from its file, and measured where there is none."""

from pathlib import Path

import pytest
import torch

from tutelage.hardware.fingerprint import fingerprint
from tutelage.hardware.measured import MachineFile, save
from tutelage.hardware.point import Point
from tutelage.run import machine
from tutelage.run.machine import described, known_machine

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_machine_that_is_known_is_not_measured() -> None:
    path = save(MachineFile(fingerprint=fingerprint(CPU), points=()))
    known = known_machine("cpu", tell=lambda *_: None)
    assert (known.is_new, known.path, known.refusal) == (False, path, "")
    # Measuring would have found some.
    assert known.machine.points == ()


@pytest.mark.parametrize(("then", "is_new"), [(1e6, True), (1e18, False)])
def test_a_machine_that_was_busy_when_it_was_measured_is_measured_anew(
    then: float, is_new: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "measure_machine", lambda *_, **__: MachineFile(fingerprint=fingerprint(CPU), points=()))
    monkeypatch.setattr(machine, "measure_own_steps", lambda *_, **__: ())
    product = {"op": "mm", "category": "matmul", "dtype": "float32", "phase": "forward", "sizes": "64", "dims": (1, 64, 64, 64)}
    point = Point(**product, flops=2.0 * 64**3, num_bytes=3.0 * 64**2 * 4, seconds=2.0 * 64**3 / then)
    save(MachineFile(fingerprint=fingerprint(CPU), points=(point,), measured_at="2026-01-01 00:00"))
    known = known_machine("cpu", tell=lambda *_: None)
    assert known.is_new == is_new
    assert ("2026-01-01 00:00 UTC): it was busy then" in known.doubt) == is_new


def test_a_call_is_described_by_its_largest_operator() -> None:
    left, right = torch.zeros(2, 3), torch.zeros(3, 4)
    found = described(lambda: torch.mm(left, right.contiguous()).t())
    assert found is not None
    assert (found.op, found.category, found.dims, found.flops) == ("mm", "matmul", (1, 2, 3, 4), 48.0)


def test_a_call_of_many_operators_alike_is_not_described() -> None:
    x = torch.zeros(8)
    assert described(lambda: [x + 1 for _ in range(3)]) is None
