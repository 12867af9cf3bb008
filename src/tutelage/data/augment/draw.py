"""Random numbers for whole batches, drawn on the CPU so that a seed means the same on every device."""

import torch
from torch import Tensor

__all__ = ["draw_uniform"]


def draw_uniform(image_BCHW: Tensor, generator: torch.Generator, *, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Return one float32 number in [low, high) for each image, [B], on the images' device."""
    drawn_B = torch.rand(len(image_BCHW), generator=generator) * (high - low) + low
    return drawn_B.to(image_BCHW.device, non_blocking=True)
