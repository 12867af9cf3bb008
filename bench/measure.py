"""How every benchmark measures: the sides take turns, medians are compared, the machine is named."""

import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

__all__ = ["DEVICE", "interleaved", "machine", "now"]

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
"""Where benchmarks of training steps run."""


def now() -> float:
    """Return seconds at which all work that was asked for so far is done."""
    if DEVICE == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def interleaved(sides: dict[str, Callable[[], float]], *, rounds: int, warmup: int = 1) -> dict[str, Any]:
    """Run all sides in turn, again and again, so that a noisy moment hits all of them.

    Args:
        sides: For each side a function that does its work and returns seconds.
        rounds: Counted rounds.
        warmup: Rounds before, not counted.

    Returns:
        For each side its median, minimum and maximum in seconds, and all values.
    """
    for _ in range(warmup):
        for run in sides.values():
            run()
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds):
        order = list(sides) if number % 2 == 0 else list(reversed(sides))
        for name in order:
            seconds[name].append(sides[name]())
    return {
        name: {"median_s": statistics.median(values), "min_s": min(values), "max_s": max(values), "rounds": rounds}
        for name, values in seconds.items()
    }


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return {
        "commit": commit,
        "processor": names[0] if names else platform.processor(),
        "card": torch.cuda.get_device_name() if DEVICE == "cuda" else "",
        "num_threads": torch.get_num_threads(),
        "amx": torch.cpu._is_amx_tile_supported(),
        "avx512_bf16": torch.cpu._is_avx512_bf16_supported(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
    }
