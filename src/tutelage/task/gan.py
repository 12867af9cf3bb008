"""Adversarial training: a generator learns to make samples that a critic cannot tell from real ones.

Two phases on each batch of real samples: the critic learns to tell real from made, the generator to pass for real.
Several critic beats may go before each generator beat.

Source: Goodfellow et al., "Generative Adversarial Networks", 2014, arXiv 1406.2661, section 3, non-saturating loss.
Differs from the paper: none.
"""

from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from tutelage.task.base import Batch, Objective, Phase, Task, TaskSpec

__all__ = ["Gan", "GanTask"]


class Gan(TaskSpec):
    """Settings of adversarial training."""

    kind: Literal["gan"] = "gan"
    latent_size: int = Field(16, gt=0, description="Random numbers that the generator starts from.")
    critic_steps: int = Field(1, gt=0, description="Critic updates to one generator update.")

    def build(self, *, generator: nn.Module, critic: nn.Module, critic_phase: Phase, generator_phase: Phase) -> "GanTask":
        """Make the task around a generator [B, latent] -> sample and a critic sample -> [B, 1]."""
        return GanTask(self, generator=generator, critic=critic, phases={"critic": critic_phase, "generator": generator_phase})


class GanTask(Task):
    """A generator and a critic; the batch holds `sample`, real samples [B, ...]."""

    draws: ClassVar[bool] = True

    def __init__(self, spec: Gan, *, generator: nn.Module, critic: nn.Module, phases: dict[str, Phase]) -> None:
        """Hold both networks; phases are called `critic` and `generator`."""
        super().__init__()
        self.generator = generator
        self.critic = critic
        self.phases = phases
        self.latent_size = spec.latent_size
        self.rhythm = (("critic",),) * (spec.critic_steps - 1) + (("critic", "generator"),)

    def draw(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Add latents float32 [B, latent]."""
        sample = batch["sample"]
        latent = torch.randn(len(sample), self.latent_size, generator=generator)
        return {**batch, "latent": latent.to(sample.device)}

    def objective(self, phase: str, batch: Batch) -> Objective:
        """Return the loss of one side, the other held fixed."""
        made = self.generator(batch["latent"])
        if phase == "generator":
            score_made = self.critic(made).float()
            return Objective(F.softplus(-score_made).sum(), float(len(made)), {})
        score_real = self.critic(batch["sample"]).float()
        score_made = self.critic(made.detach()).float()
        total = F.softplus(-score_real).sum() + F.softplus(score_made).sum()
        parts = {"real": torch.sigmoid(score_real).sum(), "made": torch.sigmoid(score_made).sum()}
        return Objective(total, float(len(made)), parts)

    def predict(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Return samples made from latents [B, latent]."""
        made: Tensor = self.generator(*inputs)
        return made
