"""A run that is killed again and again, at random moments and in the middle of saving, ends with the same bits."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fork_server import Process, start
from tutelage.training.checkpoint import checkpoints, load_checkpoint
from tutelage.training.state import digest

TRAIN = ["train", "sklearn:iris", "--steps", "220", "--set", "save.every_seconds=0", "--set", "model.members=2", "--quiet"]
KILLS, SAVING_KILLS = 10, 4
PER_CHAIN = 5


def finish(words: list[str], folder: Path) -> None:
    """Go on to the end in an interpreter that shares nothing with those before it."""
    command = [sys.executable, "-m", "tutelage", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def wait_for(run_dir: Path, process: Process, *, is_saving: bool, after: int) -> None:
    """Return once a checkpoint beyond the last one is there and, if asked, another is being written."""
    while process.poll() is None:
        names = [path.name for path in (run_dir / "steps").glob("*")]
        steps = [int(name.split(".")[0]) for name in names if not name.startswith(".")]
        is_further = max(steps, default=-1) > after
        if is_further and (not is_saving or any(name.startswith(".") for name in names)):
            return
        if not is_further:
            time.sleep(0.001)


def newest_step(run_dir: Path) -> int:
    paths = checkpoints(run_dir)
    return int(paths[-1].stem) if paths else -1


def final_digest(run_dir: Path) -> str:
    return digest(load_checkpoint(checkpoints(run_dir)[-1]))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("whole")
    finish([*TRAIN, "--out", "run"], folder)
    return final_digest(folder / "run")


@pytest.mark.slow
@pytest.mark.parametrize("chain", range(KILLS // PER_CHAIN))
def test_a_chain_of_kills_ends_with_the_bits_of_an_uninterrupted_run(chain: int, uninterrupted: str, tmp_path: Path) -> None:
    chance = random.Random(chain)
    run_dir = tmp_path / "run"
    words = [*TRAIN, "--out", "run"]
    kills = 0
    for number in range(PER_CHAIN):
        process = start("-m", "tutelage", *words, folder=tmp_path)
        is_saving = (chain * PER_CHAIN + number) * SAVING_KILLS % KILLS < SAVING_KILLS
        wait_for(run_dir, process, is_saving=is_saving, after=newest_step(run_dir))
        if not is_saving:
            time.sleep(chance.uniform(0, 0.25))
        process.poll()
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
        words = ["resume", "run", "--quiet"]
    finish(words, tmp_path)
    assert kills == PER_CHAIN, "the run ended before it could be killed often enough: make it longer"
    assert final_digest(run_dir) == uninterrupted
