"""The losses of adversarial training with their gradients in closed form, for small networks on the CPU, without autograd.

Source: the games' own papers (`tutelage list game`), differentiated by hand. Differs from autograd: the order in which numbers
are added up, in the last digits.
Shapes: B = samples, N = numbers of a sample, Z = random numbers a generator takes, C = classes, 1 without.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tutelage.game.closed import Closed, Scored
from tutelage.model.layers.slope_net import SlopeNet
from tutelage.model.layers.small_net import SmallNet
from tutelage.task.objective import Batch, Gradients, Objective

__all__ = ["GenerateGradient"]


class _Made(NamedTuple):
    """What the generator made of some random numbers, and what its gradient needs."""

    latent: Tensor
    weights: tuple[int, ...]
    """How often each of its weights had been written to."""
    outputs: Tensor
    kept: Sequence[Tensor]


class GenerateGradient:
    """Computes the objectives of critic and generator together with their gradients."""

    def __init__(self, generator: SmallNet, critic: SlopeNet, outlet: nn.Module, game: Closed, *, sample_name: str) -> None:
        """Take both networks over.

        Args:
            generator: Random numbers [B, Z] -> outputs [B, N].
            critic: Samples [B, N] -> scores [B, C].
            outlet: What makes samples of outputs, without parameters; it goes through autograd unless it changes nothing.
            game: The losses.
            sample_name: The batch's tensor that holds real samples.
        """
        self._generator, self._critic, self._game, self._sample_name = generator, critic, game, sample_name
        self._outlet: Callable[[Tensor], Tensor] | None = None if isinstance(outlet, nn.Identity) else outlet
        self._of_critic, self._of_generator = Gradients(critic.parameters), Gradients(generator.parameters)
        self._latest: _Made | None = None

    @torch.no_grad()
    def critic(self, batch: Batch) -> tuple[Objective, Gradients]:
        """Return the critic's objective and its gradient."""
        real_BN = batch[self._sample_name].flatten(1).float()
        outputs = self._made(batch["latent"]).outputs
        generated_BN = outputs if self._outlet is None else self._outlet(outputs).flatten(1).float()
        score_2B, by_output = self._judged(torch.cat([real_BN, generated_BN]), batch)
        real_B, generated_B = score_2B.chunk(2)
        scored = self._game.critic(real_B, generated_B)
        parts = {
            "real": real_B.sum(),
            "generated": generated_B.sum(),
            "lead": torch.sigmoid(real_B - generated_B).sum(),
        }
        total, by_slope = scored.loss.sum(), None
        slope = self._critic.slope(by_output)
        if self._game.gamma:
            weight = self._game.gamma * real_BN.shape[1]
            penalized = slope if self._game.penalized == "both" else slope[: len(real_BN)]
            by_slope = penalized * weight
            parts["penalty"] = penalized.square().sum() * (weight / 2)
            total = total + parts["penalty"]
        self._critic.learn(torch.cat([scored.by_real, scored.by_generated])[:, None], by_slope, self._of_critic.parts)
        return Objective(total, float(len(real_BN)), parts), self._of_critic

    @torch.no_grad()
    def generator(self, batch: Batch) -> tuple[Objective, Gradients]:
        """Return the generator's objective and its gradient."""
        # Both sides of a beat see the same random numbers, and the critic's update leaves the generator as it is.
        _, _, outputs, kept = self._made(batch["latent"])
        self._latest = None
        sample, bent = self._sample(outputs)
        real_B = self._real_scores(batch)
        score_B, by_output = self._judged(sample.flatten(1).float(), batch)
        scored: Scored = self._game.generator(score_B if real_B is None else real_B, score_B)
        by_sample = self._critic.slope(by_output * scored.by_generated[:, None])
        if bent is not None:
            (by_sample,) = torch.autograd.grad(sample, bent, by_sample.view(sample.shape))
        self._generator.backward(by_sample.contiguous(), kept, into=self._of_generator.parts)
        return Objective(scored.loss.sum(), float(len(score_B)), {}), self._of_generator

    def _made(self, latent_BZ: Tensor) -> _Made:
        """Return what the generator makes of random numbers: what it made last, where neither these nor its weights changed."""
        weights = tuple(parameter._version for parameter in self._generator.parameters)
        latest = self._latest
        if latest is None or latest.latent is not latent_BZ or latest.weights != weights:
            self._latest = latest = _Made(latent_BZ, weights, *self._generator.forward(latent_BZ))
        return latest

    def _real_scores(self, batch: Batch) -> Tensor | None:
        """Return what the critic says of real samples, float32 [B], where the generator's loss looks at it."""
        if not self._game.compares:
            return None
        return self._judged(batch[self._sample_name].flatten(1).float(), batch)[0]

    def _sample(self, outputs: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return samples, and where they are not the outputs themselves these, with a graph between both."""
        if self._outlet is None:
            return outputs, None
        with torch.enable_grad():
            bent = outputs.detach().requires_grad_()
            return self._outlet(bent), bent

    def _judged(self, sample_BN: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return scores float32 [B] by the output of each sample's class, and their gradient by the outputs, [B, C]."""
        output_BC = self._critic.forward(sample_BN)
        if "target" not in batch or output_BC.shape[1] == 1:
            return output_BC[:, 0], torch.ones_like(output_BC[:, :1])
        target_B1 = batch["target"].repeat(len(output_BC) // len(batch["target"]))[:, None]
        return output_BC.gather(1, target_B1)[:, 0], torch.zeros_like(output_BC).scatter_(1, target_B1, 1.0)
