"""One flipped bit in each file of a finished, a paused and a killed run; all harms: `python -m tests.attack flips`."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_no_flipped_bit_is_silent() -> None:
    # In a process of its own: the harness imports everything, and forks.
    words = [sys.executable, "-m", "tests.attack", "flips", "--sample", "--only", " flip "]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
