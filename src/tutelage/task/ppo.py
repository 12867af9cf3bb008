"""Proximal policy optimization: a policy learns from its own recent experience, in small steps.

The rollout stream asks the task to act, computes advantages and serves minibatches; the task only has a loss.

Source: Schulman et al., "Proximal Policy Optimization Algorithms", 2017, arXiv 1707.06347, equations 7 and 9.
Differs from the paper: advantages are standardized in each minibatch; policy and value networks are separate.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from tutelage.task.base import Batch, Objective, Phase, Task, TaskSpec

__all__ = ["Ppo", "PpoTask"]


class Ppo(TaskSpec):
    """Settings of PPO with discrete actions."""

    kind: Literal["ppo"] = "ppo"
    clip_range: float = Field(0.2, gt=0, lt=1, description="How far the probability ratio may move from 1.")
    value_weight: float = Field(0.5, ge=0, description="Weight of the value loss.")
    entropy_weight: float = Field(0.0, ge=0, description="Weight of the entropy bonus.")

    def build(self, *, policy: nn.Module, value: nn.Module, phase: Phase) -> "PpoTask":
        """Make the task around a policy [B, observation] -> logits [B, actions] and a value [B, observation] -> [B, 1]."""
        return PpoTask(self, policy=policy, value=value, phase=phase)


class PpoTask(Task):
    """A policy and a value function; one phase, `policy`."""

    rhythm = (("policy",),)

    def __init__(self, spec: Ppo, *, policy: nn.Module, value: nn.Module, phase: Phase) -> None:
        """Hold both networks."""
        super().__init__()
        self.policy = policy
        self.value = value
        self.spec = spec
        self.phases = {"policy": phase}
        self._clip_range, self._value_weight, self._entropy_weight = spec.clip_range, spec.value_weight, spec.entropy_weight

    @torch.no_grad()
    def act(self, observation_BO: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw an action for each observation.

        Returns:
            action int64 [B] and its log-probability float32 [B].
        """
        log_BA = torch.log_softmax(self.policy(observation_BO).float(), dim=-1)
        action_B = torch.multinomial(log_BA.exp().cpu(), 1, generator=generator).squeeze(1).to(observation_BO.device)
        return action_B, log_BA.gather(1, action_B[:, None]).squeeze(1)

    @torch.no_grad()
    def appraise(self, observation_BO: Tensor) -> Tensor:
        """Return the value float32 [B] of each observation."""
        value: Tensor = self.value(observation_BO).float().squeeze(-1)
        return value

    def objective(self, phase: str, batch: Batch) -> Objective:
        """Return the clipped surrogate loss, the value loss and the entropy bonus, summed over a minibatch."""
        log_BA = torch.log_softmax(self.policy(batch["observation"]).float(), dim=-1)
        log_B = log_BA.gather(1, batch["action"][:, None]).squeeze(1)
        advantage_B = batch["advantage"]
        advantage_B = (advantage_B - advantage_B.mean()) / (advantage_B.std() + 1e-8)
        ratio_B = torch.exp(log_B - batch["log_probability"])
        clipped_B = ratio_B.clamp(1 - self._clip_range, 1 + self._clip_range)
        policy_loss = -torch.minimum(ratio_B * advantage_B, clipped_B * advantage_B).sum()
        value_B = self.value(batch["observation"]).float().squeeze(-1)
        value_loss = (value_B - batch["return"]).square().sum()
        entropy = -(log_BA.exp() * log_BA).sum()
        total = policy_loss + self._value_weight * value_loss - self._entropy_weight * entropy
        return Objective(total, float(len(log_B)), {"value_loss": value_loss, "entropy": entropy})

    def predict(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Return the probabilities of the actions float32 [B, A]."""
        return torch.softmax(self.policy(*inputs).float(), dim=-1)
