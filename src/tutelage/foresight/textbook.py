"""The textbook rule: operations of one iteration, times iterations, over operations a second.

It is exact arithmetic and an ideal: no device reaches its peak. It is always shown beside the real estimate, never instead of it.
"""

import math

from tutelage.core.errors import UsageError

__all__ = ["ideal_seconds"]


def ideal_seconds(*, flops_per_iteration: float, iterations: float, flops_per_second: float) -> float:
    """Return how long the work would take at the full rate.

    Args:
        flops_per_iteration: Floating-point operations of one iteration, a multiply-add counted as two.
        iterations: How many.
        flops_per_second: What the device does a second at most.

    Raises:
        UsageError: A number is not above 0 or not finite, or the result is not.

    Example:
        >>> ideal_seconds(flops_per_iteration=1e12, iterations=100, flops_per_second=10e12)
        10.0
        >>> ideal_seconds(flops_per_iteration=1e12, iterations=100, flops_per_second=20e12)
        5.0
    """
    given = {
        "FLOPs of one iteration": flops_per_iteration,
        "iterations": iterations,
        "FLOP/s": flops_per_second,
    }
    for name, value in given.items():
        if not (math.isfinite(value) and value > 0):
            raise UsageError(
                f"{name} = {value:g}: must be a finite number > 0. Typical: 1e12 FLOPs, 1000 iterations, 1e13 FLOP/s."
            )
    seconds = flops_per_iteration * iterations / flops_per_second
    if not (math.isfinite(seconds) and seconds > 0):
        said = ", ".join(f"{name} {value:g}" for name, value in given.items())
        raise UsageError(f"{said}: the time is beyond what a number holds. Typical: 1e12 FLOPs, 1000 iterations, 1e13 FLOP/s.")
    return seconds
