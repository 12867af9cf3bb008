"""Non-saturating game: the critic is a classifier of real and generated; the generator makes its own samples pass for real.

With critic D, real x, generated G(z) and f(t) = log(1 + exp(-t)):
critic: f(D(x)) + f(-D(G(z))) + gamma/2 * N * |grad D(x)|^2; generator: f(D(G(z))).
Without a penalty (gamma = 0) it hardly converges, even in one dimension: it circles around the solution.

Source: I. Goodfellow et al., "Generative Adversarial Networks", 2014, arXiv 1406.2661, section 3; the penalty R1 from
L. Mescheder et al., 2018, arXiv 1801.04406, equation 9.
Differs from the papers: gamma is per number of a sample.
"""

from contextlib import nullcontext
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from tutelage.game.base import CriticLoss, Game, Judge
from tutelage.game.closed import Closed, Scored
from tutelage.game.slope import GAMMA_RANGE, SHARE, exactly, some_penalty, zero_centered

__all__ = ["NonSaturating"]


class NonSaturating(Game):
    """The first of all games, with or without R1."""

    kind: Literal["non_saturating"] = "non_saturating"
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
        loss_B = F.softplus(-score_real_B) + F.softplus(score_generated_B)
        if not self.gamma:
            return CriticLoss(loss_B, score_real_B, score_generated_B)
        if is_whole:
            penalty_B = zero_centered(score_real_B, real, gamma=self.gamma)
        else:
            penalty_B = some_penalty(judge, real, share=self.penalized, gamma=self.gamma)
        return CriticLoss(loss_B + penalty_B, score_real_B, score_generated_B, penalty_B)

    def generator_loss(self, judge: Judge, real: Tensor, generated: Tensor) -> Tensor:
        """Return the generator's side."""
        return F.softplus(-judge(generated))


def _critic(score_real_B: Tensor, score_generated_B: Tensor) -> Scored:
    """Return f(real) + f(-generated)."""
    loss_B = F.softplus(-score_real_B) + F.softplus(score_generated_B)
    return Scored(loss_B, -torch.sigmoid(-score_real_B), torch.sigmoid(score_generated_B))


def _generator(score_real_B: Tensor, score_generated_B: Tensor) -> Scored:
    """Return f(generated)."""
    return Scored(F.softplus(-score_generated_B), torch.zeros_like(score_real_B), -torch.sigmoid(-score_generated_B))
