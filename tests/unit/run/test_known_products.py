"""Matrix products are measured by the first command, and remembered; where bfloat16 looks slow, by a few."""

from pathlib import Path

import pytest
import torch

from tutelage.foresight.history import History
from tutelage.run.known_products import ENOUGH_LOOKS, known_facts_of_machine
from tutelage.training import machine
from tutelage.training.machine import matmul_speeds


@pytest.fixture
def speeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[torch.dtype, float]:
    """What is measured from now on, by commands that have measured nothing yet."""
    found = {torch.float32: 100.0, torch.bfloat16: 400.0}
    monkeypatch.setenv("TUTELAGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    monkeypatch.setattr(machine, "is_scarce", lambda: False)
    monkeypatch.setattr(machine, "measure_matmul", lambda dtype, device: found[dtype])
    return found


def command() -> tuple[float, float]:
    """Return GFLOP/s and the speedup as the next command takes them."""
    matmul_speeds.cache_clear()
    try:
        facts = known_facts_of_machine("cpu")
    finally:
        matmul_speeds.cache_clear()
    return facts.gflops, facts.speedup


def test_the_next_command_measures_nothing(speeds: dict[torch.dtype, float]) -> None:
    assert command() == (100.0, 4.0)
    speeds.clear()
    assert command() == (100.0, 4.0)


def test_where_bfloat16_looks_slow_some_more_commands_look_and_the_best_counts(speeds: dict[torch.dtype, float]) -> None:
    speeds[torch.bfloat16] = 130.0
    assert command() == (100.0, 1.3)
    speeds[torch.bfloat16] = 150.0
    assert command() == (100.0, 1.5)
    speeds[torch.bfloat16] = 120.0
    for _ in range(ENOUGH_LOOKS - 2):
        assert command() == (100.0, 1.5)
    speeds.clear()
    assert command() == (100.0, 1.5)


@pytest.mark.parametrize(
    "record", [{}, {"float32": -1.0, "looks": 3}, {"float32": 100.0, "bfloat16": 1e9, "looks": 3}, {"float32": "x", "looks": 3}]
)
def test_what_another_hand_wrote_is_measured_anew(
    record: dict[str, object], speeds: dict[torch.dtype, float], tmp_path: Path
) -> None:
    command()
    history = History(tmp_path / "cache")
    (line,) = history.lines()
    history.add({**line, "measured": record})
    assert command() == (100.0, 4.0)
