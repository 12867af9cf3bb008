"""How steep a critic is at samples, and what that costs: the zero-centered gradient penalty R1 or R2; not a component.

Source: L. Mescheder et al., "Which Training Methods for GANs do actually Converge?", 2018, arXiv 1801.04406, equations 9 (R1)
and 10 (R2).
Differs from the paper: the weight is gamma times N, the numbers of a sample. Samples of N numbers of deviation 1 lie some
sqrt(N) apart, so a critic that tells them apart by 1 has a squared slope of about 1 / N, and one gamma fits points and pictures.

Shape letters: B samples, N numbers of each.
"""

from contextlib import AbstractContextManager

import torch
from torch import Tensor

from tutelage.game.base import Judge

__all__ = ["GAMMA_RANGE", "SHARE", "exactly", "some_penalty", "squared_slope", "zero_centered"]

SHARE = "Share of a batch whose slope is penalized; fewer are faster, and noisier. Typical: 0.25 for pictures, 1 else."

GAMMA_RANGE = 1e6
"""Largest weight of a penalty that may be asked for."""


def exactly(sample: Tensor) -> AbstractContextManager[object]:
    """Return the context of scores whose slope is a loss: gradients of gradients, which bfloat16 spoils, in float32."""
    return torch.autocast(sample.device.type, enabled=False)


def some_penalty(judge: Judge, *sides: Tensor, share: float, gamma: float) -> Tensor:
    """Return the penalty of the first samples of each side, added up over the sides and on average over these, float32 [B].

    Args:
        judge: The critic.
        sides: Samples [B, ...] each.
        share: How many of them, of 1; at least one.
        gamma: Weight for each number of a sample.
    """
    rows = max(1, round(share * len(sides[0])))
    some = torch.cat([side[:rows] for side in sides]).detach().requires_grad_()
    with exactly(some):
        penalty = zero_centered(judge(some, rows=rows), some, gamma=gamma)
    return (penalty.sum() / rows).expand(len(sides[0]))


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
