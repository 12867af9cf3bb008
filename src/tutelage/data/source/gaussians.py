"""Points of several Gaussians on a ring, named gaussians or gaussians:8: the first test of any generator of samples.

Each of the N Gaussians has a standard deviation of 0.05; their centers lie evenly on a circle of radius 2.
"""

import hashlib
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from tutelage.core.errors import UsageError
from tutelage.data.part.array import ArrayPart
from tutelage.data.source.base import Collected, Source

__all__ = ["Gaussians"]

NAME = "gaussians"
USUAL_COUNT = 8
RADIUS, STD = 2.0, 0.05


class Gaussians(Source):
    """Points without labels."""

    kind: Literal["gaussians"] = "gaussians"
    has_targets: ClassVar[bool] = False
    num_points: int = Field(10_000, ge=10, le=10**8, description="How many points to draw.")

    @classmethod
    def recognizes(cls, path: str) -> bool:
        """Tell whether it is a name such as `gaussians:8`."""
        return path == NAME or path.startswith(f"{NAME}:")

    def collect(self) -> Collected:
        """Draw the points; always the same ones."""
        if self.test:
            raise UsageError(f"{self.path} takes no --test: a test part is cut from it.")
        count = _count(self.path)
        generator = np.random.default_rng(count)
        angle = generator.integers(count, size=self.num_points) * (2 * np.pi / count)
        center = RADIUS * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        points = (center + STD * generator.standard_normal((self.num_points, 2))).astype(np.float32)
        part = ArrayPart(name="train", inputs=points, labels=None, fingerprint=hashlib.sha256(points.tobytes()).hexdigest())
        return Collected(name=f"{NAME}-{count}", train=part)


def _count(path: str) -> int:
    """Return the number of Gaussians that a name asks for."""
    text = path.partition(":")[2] or str(USUAL_COUNT)
    if not text.isascii() or not text.isdecimal() or len(text) > 4 or not 1 <= int(text) <= 1000:
        raise UsageError(f"{path}: expected {NAME}:N with a number N of Gaussians, 1 to 1000, such as {NAME}:8.")
    return int(text)
