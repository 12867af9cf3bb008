"""How long torch's waiting threads spin, which decides the speed on a busy machine, and how many OpenBLAS begins."""

import sys
from collections.abc import MutableMapping

from tutelage.core.allocator import is_scarce

__all__ = ["calm_threads"]

SPIN_COUNT = "10000"
"""Rounds that a waiting thread spins before it sleeps. Measured on an ensemble of networks, 2 threads on 2 cores, ms a
step: alone 13.8 with libgomp's default and 13.8 with this; beside one busy process 920 and 48."""


def calm_threads(environment: MutableMapping[str, str]) -> bool:
    """Tell GNU OpenMP to spin less, unless the user has said something; it only hears what was said before torch loads.

    Where addresses are few, NumPy and SciPy are told to begin no threads of their own: each takes 40 MiB as they are loaded,
    whether or not it ever computes, and where one cannot begin, the process ends.

    Returns:
        Whether it was still in time.
    """
    if "numpy" not in sys.modules and "OMP_NUM_THREADS" not in environment and is_scarce():
        environment.setdefault("OPENBLAS_NUM_THREADS", "1")
    if "torch" in sys.modules or "OMP_WAIT_POLICY" in environment:
        return False
    environment.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
    return True
