"""What the report shows of a generator: sheets of samples, what lies between two of them, and the nearest train rows.

Shape letters: N samples, Z random numbers.
"""

import base64
from dataclasses import dataclass

import torch
from torch import Tensor

from tutelage.data.part.base import RowsPart

__all__ = ["Near", "closest", "interpolated", "sheet"]

NUM_BESIDE = 8
NUM_BETWEEN = 8


@dataclass(frozen=True)
class Near:
    """Train rows nearest to generated samples.

    Attributes:
        rows: The nearest row of each of the first samples.
        generated: Median distance of a generated sample to the nearest train row, over the root of its numbers.
        real: The same of real samples that were not trained on; much more than `generated` where samples are copies.
    """

    rows: tuple[int, ...]
    generated: float
    real: float


def sheet(part: RowsPart, count: int) -> str:
    """Return the first rows as one picture, base64 PNG; "" where they are no pictures."""
    png = part.sheet(count)
    return base64.b64encode(png).decode() if png else ""


def interpolated(ends_NZ: Tensor) -> Tensor:
    """Return steps between the first and the second, the third and the fourth ..., float32 [N / 2 * steps, Z].

    They go along the sphere, where random numbers of many dimensions lie: the straight middle would be shorter than any draw.
    What is the same at both ends, as the numbers of a class are, stays as it is.
    """
    left, right = ends_NZ[0::2], ends_NZ[1::2]
    angle = torch.linspace(0, torch.pi / 2, NUM_BETWEEN)[None, :, None]
    left, right = left[:, None], right[:, None]
    return torch.where(left == right, left, left * angle.cos() + right * angle.sin()).flatten(0, 1)


def closest(generated: Tensor, real: Tensor, *, train: Tensor) -> Near:
    """Look for the train row nearest to each sample, by the distance of all their numbers."""
    flat = train.flatten(1)
    found = [torch.cdist(samples.flatten(1), flat).min(dim=1) for samples in (generated, real)]
    size = flat.shape[1] ** 0.5
    medians = [float(nearest.values.median()) / size for nearest in found]
    return Near(tuple(int(row) for row in found[0].indices[:NUM_BESIDE]), *medians)
