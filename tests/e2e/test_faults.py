"""A sample of `python -m tests.attack.faults`: a disk that refuses in the middle of real commands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that are copies")
def test_a_fault_ends_well_or_with_a_message_and_the_way_on_ends_with_the_same_digest() -> None:
    command = [sys.executable, "-m", "tests.attack.faults", "--sample"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sample: 7 cases" in done.stdout
    assert done.stdout.endswith("0 problems\n")
