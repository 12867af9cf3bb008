"""Measures this machine: every micro-benchmark, one after another, within a bound."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import torch

from tutelage.core import catalog
from tutelage.hardware.bench.base import Benchmark, Case
from tutelage.hardware.fingerprint import clock_megahertz, fingerprint
from tutelage.hardware.measured import MachineFile
from tutelage.hardware.timing import Described, Timer, time_cases

__all__ = ["LIMIT_SECONDS", "measure_machine"]

LIMIT_SECONDS = 40.0
"""What measuring may take; on two cores of a server it takes about half of it."""


def measure_machine(
    device: torch.device,
    *,
    tell: Callable[[float], None] = lambda _: None,
    describe: Callable[[Callable[[], object]], Described | None] = lambda _: None,
    limit_seconds: float = LIMIT_SECONDS,
    clock: Callable[[], float] = time.perf_counter,
) -> MachineFile:
    """Return what the machine does, in at most so many seconds.

    Args:
        device: What is measured.
        tell: Takes the fraction that is done.
        describe: Counts a call as a training step is counted.
        limit_seconds: When to stop, whatever is left.
        clock: Tells seconds.
    """
    began = time.perf_counter()
    points = time_cases(
        list(_cases(device)), timer=Timer(device=device, limit_seconds=limit_seconds, tell=tell, describe=describe, clock=clock)
    )
    return MachineFile(
        fingerprint=fingerprint(device),
        measured_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        seconds=round(time.perf_counter() - began, 1),
        clock_megahertz=clock_megahertz(),
        points=tuple(points),
    )


def _cases(device: torch.device) -> list[Case]:
    """Return all pieces of work of all benchmarks."""
    benchmarks: list[Benchmark] = [catalog.load("benchmark", kind)() for kind in catalog.names("benchmark")]
    return [case for benchmark in benchmarks for case in benchmark.cases(device)]
