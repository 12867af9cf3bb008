"""Relativistic pairing with R1 and R2: the critic scores each real sample above a generated one; both slopes are held small.

With critic D, real x, generated G(z) and f(t) = log(1 + exp(-t)):
critic: f(D(x) - D(G(z))) + gamma/2 * N * (|grad D(x)|^2 + |grad D(G(z))|^2); generator: f(D(G(z)) - D(x)).
The choice where nothing is known: each generated sample is compared with a real one, so none can hide in one spot, which
is how modes are dropped; the penalties on both sides make the game converge near its end.

Source: Y. Huang et al., "The GAN is dead; long live the GAN! A Modern Baseline GAN", 2025, arXiv 2501.05441, section 2.
Differs from the paper: gamma is per number of a sample, and constant.
"""

from contextlib import nullcontext
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from tutelage.game.base import CriticLoss, Game, Judge
from tutelage.game.closed import Closed, Scored
from tutelage.game.slope import GAMMA_RANGE, SHARE, exactly, some_penalty, zero_centered

__all__ = ["Relativistic"]


class Relativistic(Game):
    """The relativistic pairing loss with two zero-centered gradient penalties."""

    kind: Literal["relativistic"] = "relativistic"
    draws_mix: ClassVar[bool] = False
    gamma: float = Field(
        0.1, ge=0, le=GAMMA_RANGE, description="Weight of both gradient penalties for each number of a sample; 0 has none."
    )

    penalized: float = Field(1.0, gt=0, le=1, description=SHARE)

    @property
    def order(self) -> Literal[1, 2]:
        """2 with penalties."""
        return 2 if self.gamma else 1

    @property
    def closed(self) -> Closed | None:
        """Return its losses of scores; None where the penalty is on a part of the samples."""
        if self.gamma and self.penalized < 1:
            return None
        return Closed(_critic, _generator, self.gamma, "both", compares=True)

    def critic_loss(self, judge: Judge, real: Tensor, generated: Tensor, *, mix_B: Tensor | None = None) -> CriticLoss:
        """Return the critic's side; real and generated samples go through the critic together, which is faster."""
        both, is_whole = torch.cat([real, generated]).detach(), self.gamma > 0 and self.penalized == 1
        both.requires_grad_(is_whole)
        with exactly(both) if is_whole else nullcontext():
            score = judge(both)
        score_real_B, score_generated_B = score.chunk(2)
        loss_B = F.softplus(score_generated_B - score_real_B)
        if not self.gamma:
            return CriticLoss(loss_B, score_real_B, score_generated_B)
        if is_whole:
            penalty_real_B, penalty_generated_B = zero_centered(score, both, gamma=self.gamma).chunk(2)
            penalty_B = penalty_real_B + penalty_generated_B
        else:
            penalty_B = some_penalty(judge, real, generated, share=self.penalized, gamma=self.gamma)
        return CriticLoss(loss_B + penalty_B, score_real_B, score_generated_B, penalty_B)

    def generator_loss(self, judge: Judge, real: Tensor, generated: Tensor) -> Tensor:
        """Return the generator's side."""
        with torch.no_grad():
            score_real_B = judge(real)
        return F.softplus(score_real_B - judge(generated))


def _critic(score_real_B: Tensor, score_generated_B: Tensor) -> Scored:
    """Return f(real - generated)."""
    lead_B = score_generated_B - score_real_B
    slope_B = torch.sigmoid(lead_B)
    return Scored(F.softplus(lead_B), -slope_B, slope_B)


def _generator(score_real_B: Tensor, score_generated_B: Tensor) -> Scored:
    """Return f(generated - real)."""
    loss_B, by_generated_B, by_real_B = _critic(score_generated_B, score_real_B)
    return Scored(loss_B, by_real_B, by_generated_B)
