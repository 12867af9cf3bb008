"""The proof of the core: for every kind of training, 101 steps straight equal 37, a new process, and 64, bit for bit."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("core_problems.py")


def run(problem: str, compile_with: str, run_dir: Path, first: int, last: int) -> dict[str, Any]:
    command = [sys.executable, str(PROGRAM), problem, compile_with, str(run_dir), str(first), str(last)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def prove(problem: str, compile_with: str, tmp_path: Path) -> None:
    straight = run(problem, compile_with, tmp_path / "straight", 0, 101)
    half = run(problem, compile_with, tmp_path / "resumed", 0, 37)
    resumed = run(problem, compile_with, tmp_path / "resumed", 37, 101)
    assert half["step"] == 37
    assert resumed == straight


@pytest.mark.parametrize("problem", ["classifier", "gan", "ppo", "dqn", "sac"])
def test_eager_training_resumes_in_a_new_process_with_the_same_bits(problem: str, tmp_path: Path) -> None:
    prove(problem, "none", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("problem", ["classifier", "gan", "ppo"])
def test_compiled_training_resumes_in_a_new_process_with_the_same_bits(problem: str, tmp_path: Path) -> None:
    prove(problem, "inductor", tmp_path)
