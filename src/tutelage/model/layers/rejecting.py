"""A generator that makes a sample once more where a judge takes the first one for surely generated: rejection sampling.

A plain network maps one cloud of random numbers to all places where data lie, so some samples fall into the gaps between. What
falls there is easy to tell. The second try starts from the same numbers with the sign turned, which are as likely as these: so
the n-th sample stays the n-th, and all of it is one graph.

Source: Azadi et al., "Discriminator Rejection Sampling", 2018, arXiv 1810.06758. Differs from the paper: what is rejected lies
below one cut of the judge's log-odds, not by chance; one second try.

Shape letters: B samples, Z random numbers, C classes.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Judge", "Rejecting"]


@dataclass(frozen=True)
class Judge:
    """What looks at samples before they leave.

    Attributes:
        model: Its architecture, a component.
        network: sample [B, ...] -> log-odds [B, 1 or C] that it is real and not generated.
        cut: Log-odds below which a sample is made once more.
    """

    model: Any
    network: nn.Module
    cut: float


class Rejecting(nn.Module):
    """Generator and judge as one network; takes and gives what the generator does."""

    def __init__(self, generator: nn.Module, judge: Judge, *, seen: nn.Module, sizes: tuple[int, ...], latent_size: int) -> None:
        """Hold both.

        Args:
            generator: Latents [B, Z + C] -> outputs [B, numbers].
            judge: Looks at samples [B, *sizes].
            seen: What makes samples of outputs, as they will be when they leave.
            sizes: Dimensions of a sample.
            latent_size: How many of the latent's numbers are random.
        """
        super().__init__()
        self.generator, self.judge, self.seen = generator, judge.network, seen
        self.sizes, self.latent_size, self.cut = sizes, latent_size, judge.cut

    def forward(self, latent: Tensor) -> Tensor:
        """Return outputs [B, numbers] of latents [B, Z + C]."""
        made_BN: Tensor = self.generator(latent)
        again_BN = self.generator(torch.cat([-latent[:, : self.latent_size], latent[:, self.latent_size :]], dim=1))
        # What is no number is not kept either.
        is_kept = self.log_odds(made_BN, latent) >= self.cut
        return torch.where(is_kept[:, None], made_BN.flatten(1), again_BN.flatten(1)).view(made_BN.shape)

    def log_odds(self, outputs: Tensor, latent: Tensor) -> Tensor:
        """Return the judge's log-odds float32 [B] that outputs [B, numbers] of these latents are real samples."""
        return self.log_odds_of(self.seen(outputs).view(-1, *self.sizes), latent)

    def log_odds_of(self, sample: Tensor, latent: Tensor) -> Tensor:
        """Return the same of samples [B, *sizes], by the output of the class that the latent asks for."""
        score_BC: Tensor = self.judge(sample).float()
        wanted_BC = latent[:, self.latent_size :]
        return score_BC[:, 0] if not wanted_BC.shape[1] else (score_BC * wanted_BC).sum(1)
