"""The proof of the core: for every kind of training, 101 steps straight equal 37, a new process, and 64, bit for bit."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("core_problems.py")
EAGER, COMPILED = ("classifier", "gan", "ppo", "dqn", "sac"), ("classifier", "gan", "ppo")

Proof = dict[str, dict[str, Any]]
"""For each problem, what each part of it came to: `straight`, `half` and `resumed`."""


def prove(problems: tuple[str, ...], compile_with: str, folder: Path) -> Proof:
    """Run all problems in one process, and what is left of them in a new one: each start costs more than a problem does."""
    found: Proof = {problem: {} for problem in problems}
    for parts in ("straight,half", "resumed"):
        command = [sys.executable, str(PROGRAM), ",".join(problems), compile_with, str(folder), parts]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        for problem, told in json.loads(done.stdout.splitlines()[-1]).items():
            found[problem] |= told
    return found


@pytest.fixture(scope="module")
def eager(tmp_path_factory: pytest.TempPathFactory) -> Proof:
    return prove(EAGER, "none", tmp_path_factory.mktemp("eager"))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Proof:
    return prove(COMPILED, "inductor", tmp_path_factory.mktemp("compiled"))


@pytest.mark.parametrize("problem", EAGER)
def test_eager_training_resumes_in_a_new_process_with_the_same_bits(problem: str, eager: Proof) -> None:
    assert eager[problem]["half"]["step"] == 37
    assert eager[problem]["resumed"] == eager[problem]["straight"]


@pytest.mark.slow
@pytest.mark.parametrize("problem", COMPILED)
def test_compiled_training_resumes_in_a_new_process_with_the_same_bits(problem: str, compiled: Proof) -> None:
    assert compiled[problem]["half"]["step"] == 37
    assert compiled[problem]["resumed"] == compiled[problem]["straight"]
