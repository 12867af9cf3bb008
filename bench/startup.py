"""How long the command takes before it does anything: `tutelage --help` and `tutelage list`. Goal: under 0.3 s each."""

import subprocess
import sys
import time
from typing import Any

from bench.measure import interleaved


def seconds_of(*words: str) -> float:
    """Return the wall time of one command in a new process."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "tutelage", *words], check=True, capture_output=True)
    return time.perf_counter() - began


def run() -> dict[str, Any]:
    """Return the figures of both commands."""
    return interleaved({"help": lambda: seconds_of("--help"), "list": lambda: seconds_of("list")}, rounds=9) | {"goal_s": 0.3}
