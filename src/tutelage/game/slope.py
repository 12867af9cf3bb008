"""How steep a critic is at samples, and what that costs: the zero-centered gradient penalty R1 or R2; not a component.

Source: L. Mescheder et al., "Which Training Methods for GANs do actually Converge?", 2018, arXiv 1801.04406, equations 9 (R1)
and 10 (R2).
Differs from the paper: the weight is gamma times N, the numbers of a sample. Samples of N numbers of deviation 1 lie some
sqrt(N) apart, so a critic that tells them apart by 1 has a squared slope of about 1 / N, and one gamma fits points and pictures.

Shape letters: B samples, N numbers of each.
"""

import torch
from torch import Tensor

__all__ = ["GAMMA_RANGE", "squared_slope", "zero_centered"]

GAMMA_RANGE = 1e6
"""Largest weight of a penalty that may be asked for."""


def squared_slope(score_B: Tensor, sample: Tensor) -> Tensor:
    """Return the squared length of each score's gradient by its own sample, float32 [B], to be differentiated again.

    Args:
        score_B: Scores of the samples; a sample's score must depend on that sample alone.
        sample: float32 [B, ...], requires a gradient.
    """
    (slope,) = torch.autograd.grad(score_B.sum(), sample, create_graph=True)
    return slope.flatten(1).square().sum(1)


def zero_centered(score_B: Tensor, sample: Tensor, *, gamma: float) -> Tensor:
    """Return gamma / 2 * N * squared slope for each sample, float32 [B]."""
    return 0.5 * gamma * sample[0].numel() * squared_slope(score_B, sample)
