"""Hinge game: the critic pushes real samples above 1 and generated ones below -1, and then rests.

With critic D, real x, generated G(z):
critic: max(0, 1 - D(x)) + max(0, 1 + D(G(z))) + gamma/2 * N * |grad D(x)|^2; generator: -D(G(z)).

Source: J. H. Lim and J. C. Ye, "Geometric GAN", 2017, arXiv 1705.02894, equations 19 and 20.
Differs from the paper: R1 (arXiv 1801.04406, equation 9) holds the critic's slope small, gamma per number of a sample.
"""

from contextlib import nullcontext
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from tutelage.game.base import CriticLoss, Game, Judge
from tutelage.game.closed import Closed, Scored
from tutelage.game.slope import GAMMA_RANGE, SHARE, exactly, some_penalty, zero_centered

__all__ = ["Hinge"]


class Hinge(Game):
    """The hinge loss of both sides, with or without R1."""

    kind: Literal["hinge"] = "hinge"
    gamma: float = Field(
        0.1, ge=0, le=GAMMA_RANGE, description="Weight of the gradient penalty for each number of a real sample; 0 has none."
    )

    penalized: float = Field(1.0, gt=0, le=1, description=SHARE)

    @property
    def order(self) -> Literal[1, 2]:
        """2 with a penalty."""
        return 2 if self.gamma else 1

    @property
    def closed(self) -> Closed | None:
        """Return its losses of scores; None where the penalty is on a part of the samples."""
        if self.gamma and self.penalized < 1:
            return None
        return Closed(_critic, _generator, self.gamma, "real", compares=False)

    def critic_loss(self, judge: Judge, real: Tensor, generated: Tensor, *, mix_B: Tensor | None = None) -> CriticLoss:
        """Return the critic's side."""
        is_whole = self.gamma > 0 and self.penalized == 1
        real = real.detach().requires_grad_() if is_whole else real
        with exactly(real) if is_whole else nullcontext():
            score_real_B, score_generated_B = judge(torch.cat([real, generated])).chunk(2)
        loss_B = torch.relu(1 - score_real_B) + torch.relu(1 + score_generated_B)
        if not self.gamma:
            return CriticLoss(loss_B, score_real_B, score_generated_B)
        if is_whole:
            penalty_B = zero_centered(score_real_B, real, gamma=self.gamma)
        else:
            penalty_B = some_penalty(judge, real, share=self.penalized, gamma=self.gamma)
        return CriticLoss(loss_B + penalty_B, score_real_B, score_generated_B, penalty_B)

    def generator_loss(self, judge: Judge, real: Tensor, generated: Tensor) -> Tensor:
        """Return the generator's side."""
        return -judge(generated)


def _critic(score_real_B: Tensor, score_generated_B: Tensor) -> Scored:
    """Return max(0, 1 - real) + max(0, 1 + generated)."""
    real_B, generated_B = 1 - score_real_B, 1 + score_generated_B
    return Scored(torch.relu(real_B) + torch.relu(generated_B), -(real_B > 0).float(), (generated_B > 0).float())


def _generator(score_real_B: Tensor, score_generated_B: Tensor) -> Scored:
    """Return -generated."""
    return Scored(-score_generated_B, torch.zeros_like(score_real_B), -torch.ones_like(score_generated_B))
