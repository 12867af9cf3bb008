"""Points of several Gaussians on a ring (gaussians:8) or a grid (gaussians:5x5): the first test of any generator of samples.

Each Gaussian has a standard deviation of 0.05. Those of a ring have their centers evenly on a circle of radius 2; those of a grid
lie 2 apart, around the origin. These are the two sets on which the loss of modes is usually shown.

Source: A. Srivastava et al., "VEEGAN", 2017, arXiv 1705.07761, section 4.1. Differs from the paper: 0.05 is
the deviation of both.
"""

import hashlib
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from tutelage.core.errors import UsageError
from tutelage.data.part.array import ArrayPart
from tutelage.data.source.base import Collected, Source

__all__ = ["Gaussians", "centers_of"]

NAME = "gaussians"
USUAL_COUNT = 8
RADIUS, STD, DISTANCE = 2.0, 0.05, 2.0
MOST_COUNT, MOST_SIDE = 1000, 100


class Gaussians(Source):
    """Points without labels."""

    kind: Literal["gaussians"] = "gaussians"
    has_targets: ClassVar[bool] = False
    num_points: int = Field(10_000, ge=10, le=10**8, description="How many points to draw.")

    @classmethod
    def recognizes(cls, path: str) -> bool:
        """Tell whether it is a name such as `gaussians:8` or `gaussians:5x5`."""
        return path == NAME or path.startswith(f"{NAME}:")

    def collect(self) -> Collected:
        """Draw the points; always the same ones."""
        if self.test:
            raise UsageError(f"{self.path} takes no --test: a test part is cut from it.")
        centers, name = centers_of(self.path)
        generator = np.random.default_rng(len(centers))
        center = centers[generator.integers(len(centers), size=self.num_points)]
        points = (center + STD * generator.standard_normal((self.num_points, 2))).astype(np.float32)
        part = ArrayPart(name="train", inputs=points, labels=None, fingerprint=hashlib.sha256(points.tobytes()).hexdigest())
        return Collected(name=f"{NAME}-{name}", train=part)


def centers_of(path: str) -> tuple[np.ndarray, str]:
    """Return the centers that a name asks for, float64 [N, 2], and what they are called.

    Raises:
        UsageError: It names neither a ring nor a grid.
    """
    text = path.partition(":")[2] or str(USUAL_COUNT)
    sides = [_number(side, most=MOST_SIDE) for side in text.split("x")]
    if len(sides) == 2 and all(sides):
        columns, rows = (DISTANCE * (np.arange(side) - (side - 1) / 2) for side in sides)
        return np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2), text
    count = _number(text, most=MOST_COUNT)
    if not count:
        expected = f"{NAME}:N with a number N of Gaussians on a ring, 1 to 1000, or {NAME}:NxM on a grid, such as {NAME}:5x5"
        raise UsageError(f"{path}: expected {expected}.")
    angle = np.arange(count) * (2 * np.pi / count)
    return RADIUS * np.stack([np.cos(angle), np.sin(angle)], axis=1), str(count)


def _number(text: str, *, most: int) -> int:
    """Return a number from 1 to `most`; 0 where it is none."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
    return int(text) if is_number and 1 <= int(text) <= most else 0
