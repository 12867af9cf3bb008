"""Who else computes on this machine now: threads that wait for one another are slow where others take their cores."""

import os
import statistics
import time
from pathlib import Path

import torch

__all__ = ["computing_beside", "crowded"]

LOAD = Path("/proc/loadavg")
LOOKS, PAUSE_SECONDS = 5, 0.02
"""Looks, and the time between them: what wakes up for a moment is not counted."""


def crowded(device: str, *, num_threads: int = 0) -> str:
    """Return what to say where other programs take cores that a training's threads count on; "" where they do not.

    Args:
        device: Where training will run.
        num_threads: Threads that it will compute with; 0 = as many as torch has.
    """
    wanted, cores = num_threads or torch.get_num_threads(), os.cpu_count() or 1
    if torch.device(device).type != "cpu" or wanted == 1:
        return ""
    others = _others()
    if others + wanted <= cores:
        return ""
    left = max(cores - others, 1)
    found = f"{_who(others, cores)} now, and this training's {wanted} threads wait for one another"
    return f"{found}: steps may take up to ten times as long. Let it have fewer (--set threads={left}), or wait for the others."


def computing_beside(*, num_threads: int = 0) -> str:
    """Return who else computes here, in words, where together that is more than there are cores; "" where it is not.

    Args:
        num_threads: Threads that this process will compute with; 0 = as many as torch has.
    """
    others, cores = _others(), os.cpu_count() or 1
    return _who(others, cores) if others and others + (num_threads or torch.get_num_threads()) > cores else ""


def _who(others: int, cores: int) -> str:
    """Say how many compute."""
    who = "another program computes" if others == 1 else f"{others} other threads compute"
    return f"{who} on this machine's {cores} cores"


def _others() -> int:
    """Return how many threads of others can run now; 0 where the system does not say."""
    found = []
    for _ in range(LOOKS):
        time.sleep(PAUSE_SECONDS)
        try:
            running = LOAD.read_text(encoding="ascii").split()[3].partition("/")[0]
            # Whoever looks runs too.
            found.append(int(running) - 1)
        except (OSError, ValueError, IndexError):
            return 0
    return int(statistics.median(found))
