"""A training whose threads have to wait for other programs says so."""

import os
from pathlib import Path

import pytest
import torch

from tutelage.training import crowd
from tutelage.training.crowd import computing_beside, crowded


@pytest.fixture(autouse=True)
def four_cores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    monkeypatch.setattr(crowd, "LOAD", tmp_path / "loadavg")
    return tmp_path / "loadavg"


@pytest.mark.parametrize(
    ("running", "num_threads", "found"),
    [
        (1, 0, ""),
        (2, 0, "another program computes on this machine's 4 cores now, and this training's 4 threads wait"),
        (3, 0, "--set threads=2"),
        (9, 0, "--set threads=1"),
        (3, 2, ""),
        (9, 1, ""),
    ],
)
def test_it_is_told_who_else_computes(four_cores: Path, running: int, num_threads: int, found: str) -> None:
    four_cores.write_text(f"1.20 0.80 0.50 {running}/84 3202\n")
    told = crowded("cpu", num_threads=num_threads)
    assert found in told
    assert bool(found) == bool(told)


@pytest.mark.parametrize("text", ["", "1.20 0.80", "a b c d e"])
def test_a_system_that_does_not_say_is_taken_for_free(four_cores: Path, text: str) -> None:
    four_cores.write_text(text)
    assert crowded("cpu") == ""


def test_a_card_needs_no_cores(four_cores: Path) -> None:
    four_cores.write_text("1.20 0.80 0.50 9/84 3202\n")
    assert crowded("cuda") == ""


@pytest.mark.parametrize(
    ("running", "num_threads", "told"),
    [
        (1, 0, ""),
        (1, 8, ""),
        (2, 1, ""),
        (2, 0, "another program computes on this machine's 4 cores"),
        (5, 1, "4 other threads compute on this machine's 4 cores"),
    ],
)
def test_who_computes_beside_is_told_where_cores_are_too_few(four_cores: Path, running: int, num_threads: int, told: str) -> None:
    four_cores.write_text(f"1.20 0.80 0.50 {running}/84 3202\n")
    assert computing_beside(num_threads=num_threads) == told
