"""Random numbers for whole batches, drawn on the CPU so that a seed means the same on every device.

Of several processes that train together each changes its part of a batch only, and still draws for the whole of it: a row's
changes are the same whatever the number of processes.
"""

import torch
from torch import Tensor

__all__ = ["PartGenerator", "draw_uniform"]


class PartGenerator(torch.Generator):
    """A generator for some rows of a batch, which draws for all of them.

    Attributes:
        num_rows: Rows of the whole batch.
        part: Those that are here.
    """

    num_rows: int
    part: slice


def draw_uniform(image_BCHW: Tensor, generator: torch.Generator, *, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Return one float32 number in [low, high) for each image, [B], on the images' device."""
    num_rows, part = len(image_BCHW), slice(None)
    if isinstance(generator, PartGenerator):
        num_rows, part = generator.num_rows, generator.part
    drawn_B = (torch.rand(num_rows, generator=generator) * (high - low) + low)[part]
    return drawn_B.to(image_BCHW.device, non_blocking=True)
