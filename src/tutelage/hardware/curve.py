"""How long one operator takes at a size that was not measured: a roof line, and how far from it the sizes nearby were.

Roof line: launch + F / P + Q / B, with F operations, Q bytes, P the best speed measured in this class and precision, and B that
of memory at this many bytes. What the measured points took, as a multiple of it, is averaged in logarithms, near points most.

Source: Williams et al., "Roofline: an insightful visual performance model", 2009, doi 10.1145/1498765.1498785; weights by
distance: Shepard, "A two-dimensional interpolation function for irregularly-spaced data", 1968, doi 10.1145/800186.810616.
Differs from the papers: the sum of the three times stands where the roof line has the longest of them; distances are taken
between logarithms of sizes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tutelage.hardware.point import Point

__all__ = ["Curve", "Roof", "roof_of"]

POWER = 4
"""How fast a point's weight falls with its distance."""
NEAR = 0.05
"""Squared distance, in powers of two, below which points count as the same size."""
LEAST_LAUNCH = 1e-7


@dataclass(frozen=True)
class Roof:
    """What a class of operators can do at best on this machine.

    Attributes:
        launch: Seconds of a call that has nothing to do.
        flops_per_second: Best speed of computing that was measured.
        memory_bytes: Sizes at which the memory was measured, ascending.
        memory_speed: Bytes per second at each.
    """

    launch: float
    flops_per_second: float
    memory_bytes: tuple[float, ...]
    memory_speed: tuple[float, ...]

    def seconds(self, flops: float, num_bytes: float) -> float:
        """Return the time that so much work takes at best."""
        return self.launch + flops / self.flops_per_second + num_bytes / self.speed_of_memory(num_bytes)

    def speed_of_memory(self, num_bytes: float) -> float:
        """Return bytes per second where so many are moved."""
        found = np.interp(math.log(max(num_bytes, 1.0)), np.log(self.memory_bytes), np.log(self.memory_speed))
        return math.exp(float(found))


class Curve:
    """The measured points of one operator in one precision."""

    def __init__(self, points: Sequence[Point], roof: Roof) -> None:
        """Hold the points; all have the same number of dimensions, or none."""
        self._roof = roof
        self._places = np.array([_place(point.dims, point.flops, point.num_bytes) for point in points])
        self._excess = np.log([point.seconds / roof.seconds(point.flops, point.num_bytes) for point in points])

    def seconds(self, *, flops: float, num_bytes: float, dims: tuple[int, ...]) -> float:
        """Return how long one call takes."""
        distance = ((self._places - np.array(_place(dims, flops, num_bytes))) ** 2).sum(1)
        weight = (distance + NEAR) ** (-POWER / 2)
        return self._roof.seconds(flops, num_bytes) * math.exp(float(self._excess @ weight / weight.sum()))

    def takes(self, dims: tuple[int, ...]) -> bool:
        """Tell whether sizes are counted as these points count."""
        return int(self._places.shape[1]) == len(_place(dims, 1.0, 1.0))


def roof_of(points: Sequence[Point], memory: Sequence[Point]) -> Roof:
    """Return the best of some points of a class and a precision.

    Args:
        points: Measured operators.
        memory: The triad at all sizes.
    """
    ascending = sorted(memory, key=lambda point: point.num_bytes)
    speed = max((point.flops_per_second for point in points if point.flops), default=math.inf)
    return Roof(
        launch=max(min(point.seconds for point in (*points, *memory)), LEAST_LAUNCH),
        flops_per_second=speed or math.inf,
        memory_bytes=tuple(point.num_bytes for point in ascending),
        memory_speed=tuple(point.bytes_per_second for point in ascending),
    )


def _place(dims: tuple[int, ...], flops: float, num_bytes: float) -> list[float]:
    """Return where a size lies: powers of two of its dimensions, or else of its bytes and of the operations on each."""
    moved = max(num_bytes, 1.0)
    return [math.log2(max(each, 1)) for each in dims] or [math.log2(moved), math.log2(max(flops, 1.0) / moved)]
