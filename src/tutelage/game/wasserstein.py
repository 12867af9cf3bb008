"""Wasserstein game with gradient penalty: the critic measures how far real and generated samples lie apart.

With critic D, real x, generated G(z), and m = u x + (1 - u) G(z) for uniform u, which hold
the critic's slope at 1:
critic: D(G(z)) - D(x) + weight * (|grad D(m)| sqrt(N) - 1)^2; generator: -D(G(z)).
It wants several critic updates to one of the generator (`task.critic_steps`, typically 5).

Source: I. Gulrajani et al., "Improved Training of Wasserstein GANs", 2017, arXiv 1704.00028, equation 3.
Differs from the paper: the slope is that per number of a sample's deviation, so that one weight fits points and pictures.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from tutelage.game.base import CriticLoss, Game, Judge
from tutelage.game.slope import GAMMA_RANGE, exactly, squared_slope

__all__ = ["Wasserstein"]

TINY = 1e-12
"""Keeps the length of a slope of 0 differentiable."""


class Wasserstein(Game):
    """The Wasserstein distance, with a penalty on the critic's slope between real and generated samples."""

    kind: Literal["wasserstein"] = "wasserstein"
    draws_mix: ClassVar[bool] = True
    weight: float = Field(10.0, gt=0, le=GAMMA_RANGE, description="Weight of the penalty on slopes other than 1.")

    @property
    def order(self) -> Literal[1, 2]:
        """Always 2."""
        return 2

    def critic_loss(self, judge: Judge, real: Tensor, generated: Tensor, *, mix_B: Tensor | None = None) -> CriticLoss:
        """Return the critic's side."""
        assert mix_B is not None
        share = mix_B.view(-1, *[1] * (real.dim() - 1))
        between = torch.lerp(generated, real, share).detach().requires_grad_()
        score_real_B, score_generated_B = judge(torch.cat([real, generated])).chunk(2)
        with exactly(between):
            slope_B = (between[0].numel() * squared_slope(judge(between), between) + TINY).sqrt()
        penalty_B = self.weight * (slope_B - 1).square()
        return CriticLoss(score_generated_B - score_real_B + penalty_B, score_real_B, score_generated_B, penalty_B)

    def generator_loss(self, judge: Judge, real: Tensor, generated: Tensor) -> Tensor:
        """Return the generator's side."""
        return -judge(generated)
