"""`tutelage hardware` shows what is known of this machine and of others."""

import json
from pathlib import Path

import pytest
import torch

from tutelage.cli.main import main
from tutelage.hardware.fingerprint import fingerprint
from tutelage.hardware.measured import MachineFile, OwnStep, save
from tutelage.hardware.point import Point


def point(op: str, category: str, *, dims: tuple[int, ...] = (), seconds: float = 1e-3, sizes: str = "some") -> Point:
    return Point(
        op=op,
        category=category,
        dtype="float32",
        phase="forward",
        sizes=sizes,
        dims=dims,
        flops=1e9,
        num_bytes=1e7,
        seconds=seconds,
    )


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep a file of this machine in a cache of the test's own."""
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path))
    points = [
        point("mm", "matmul", dims=(1, 256, 256, 256)),
        point("convolution", "convolution", dims=(16, 4, 8, 8, 9, 1), sizes="16 x 8 -> 8"),
        point("triad", "memory", sizes="3 x 4,096 bytes"),
        point("call", "dispatch", seconds=2e-6),
    ]
    step = OwnStep(name="a table", style="autograd", features={"steps": 1.0}, seconds=2e-3)
    return save(
        MachineFile(
            fingerprint=fingerprint(torch.device("cpu")),
            measured_at="2026-01-02 03:04",
            seconds=30,
            points=tuple(points),
            own_steps=(step,),
        )
    )


def test_what_is_kept_is_shown_with_units(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hardware", "--device", "cpu"]) == 0
    shown = capsys.readouterr().out
    assert f"measured 2026-01-02 03:04 UTC in 30 s; kept in {kept}" in shown
    assert "matrix products in float32, by rows: 256: 1.0 TFLOP/s" in shown
    assert "convolutions, the fastest: float32 1.0 TFLOP/s (16 x 8 -> 8)" in shown
    assert "memory: 3 x 4,096 bytes: 10.0 GB/s" in shown
    assert "calling an operator 2.0 us" in shown
    assert "a step of a table: 2.00 ms" in shown


def test_programs_get_all_of_it(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hardware", "--device", "cpu", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["path"] == str(kept)
    assert record["measured_now"] is False
    assert [each["op"] for each in record["machine"]["points"]] == ["mm", "convolution", "triad", "call"]


def test_a_device_that_is_not_here_is_refused(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hardware", "--device", "cuda:77"]) == 2
    assert "cuda" in capsys.readouterr().err


def test_the_catalogue_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hardware", "--list"]) == 0
    shown = capsys.readouterr().out
    assert "a100-sxm-80gb" in shown
    assert "TFLOP/s" in shown
    assert main(["hardware", "--list", "--json"]) == 0
    devices = json.loads(capsys.readouterr().out)["devices"]
    assert all(device["bandwidth"] > 0 and device["source"] for device in devices)


@pytest.mark.parametrize(("device", "said"), [("tpu", "no such device. Known: cpu, cuda"), ("mps", "cpu and cuda only")])
def test_a_device_that_is_none_is_told_by_the_word_that_was_typed(
    device: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["hardware", "--device", device]) == 2
    shown = capsys.readouterr().err
    assert f"--device '{device}': " in shown
    assert said in shown
    assert "recipe" not in shown


def test_words_that_a_list_has_no_use_for_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hardware", "--list", "--again", "--device", "cpu"]) == 2
    assert "--again and --device: --list shows what is known of others" in capsys.readouterr().err


def test_a_machine_that_was_busy_while_it_was_measured_is_told(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    device = torch.device("cpu")
    # As many operations each: the larger ones took six times as long for theirs.
    speeds = {64: 1e-3, 256: 1e-4, 1024: 6e-4}
    points = [point("mm", "matmul", dims=(1, size, size, size), seconds=taken) for size, taken in speeds.items()]
    points += [point("triad", "memory", sizes="3 x 4,096 bytes")]
    save(MachineFile(fingerprint=fingerprint(device), measured_at="2026-01-01 00:00", seconds=1.0, points=tuple(points)))
    assert main(["hardware", "--device", "cpu"]) == 0
    assert "products of 1024 rows in float32 seem 6 times as slow as those of 256" in capsys.readouterr().err
