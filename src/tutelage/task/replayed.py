"""What tasks share that learn from remembered steps: how much is remembered and how often is learned, and target networks."""

from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from tutelage.core.errors import RecipeError
from tutelage.env.replay import Replay, ReplayStream
from tutelage.planning.decisions import Decisions
from tutelage.planning.plan import Plan
from tutelage.task.acting import ActingSpec
from tutelage.task.environment import EnvironmentData

__all__ = ["Follower", "ReplayedSpec", "replay_stream", "weighted_sum"]

MOST_BYTES = 2**31
"""What is remembered may take so much memory."""


class ReplayedSpec(ActingSpec):
    """Settings of learning from what is remembered."""

    capacity: int = Field(100_000, ge=2, le=10**8, description="Environment steps that are remembered.")
    warmup: int = Field(1_000, ge=1, le=10**8, description="Environment steps at random before anything is learned.")
    collect_steps: int = Field(1, ge=1, le=10**6, description="Steps of each environment between updates.")
    num_updates: int = Field(1, ge=1, le=10**6, description="Updates after these.")
    num_steps: int = Field(1, ge=1, le=1000, description="Rewards that are summed before the estimate takes over (n-step).")
    target_rate: float = Field(0.005, gt=0, le=1, description="How far target networks follow at each update.")

    def steps_for(self, env_steps: int, batch_size: int) -> int:
        """Return the updates that so many environment steps give, the random ones at the beginning left out."""
        if env_steps <= self.warmup:
            raise RecipeError(f"recipe: budget.env_steps = {env_steps:,} must be > task.warmup = {self.warmup:,}.")
        num_collected = (env_steps - self.warmup) // (self.collect_steps * self.num_envs)
        return max(1, num_collected * self.num_updates)

    def env_steps_for(self, env_steps: int) -> tuple[int, str]:
        """Return the random steps at the beginning and those between updates, each of all environments at once."""
        at_once = self.collect_steps * self.num_envs
        learned = max(1, (env_steps - self.warmup) // at_once) * at_once
        random = -(-self.warmup // self.num_envs) * self.num_envs
        return random + learned, f"{self.collect_steps} of each of {self.num_envs} environments between updates"

    def replay(self, batch_size: int) -> Replay:
        """Return how much to remember, and how to use it."""
        return Replay(
            capacity=self.capacity,
            warmup=self.warmup,
            collect_steps=self.collect_steps,
            num_updates=self.num_updates,
            batch_size=batch_size,
            discount=self.discount,
            num_steps=self.num_steps,
        )

    def within_memory(self, numbers: int, *, bytes_each: int, made: Decisions) -> Any:
        """Return these settings with no more remembered than memory holds, for observations of so many numbers; and say so."""
        most = max(MOST_BYTES // max(2 * numbers * bytes_each, 1), 2)
        if self.capacity <= most:
            return self
        size = f"two observations of {numbers:,} numbers each, and {MOST_BYTES / 2**30:.0f} GiB are the most"
        made.choose("task.capacity", "auto", f"{most:,} steps", f"not {self.capacity:,}: a step is remembered with {size}")
        return self.but(capacity=most)


def replay_stream(task: Any, replay: Replay, plan: Plan, data: EnvironmentData, *, num_envs: int) -> ReplayStream:
    """Return the stream that acts for a task."""
    return ReplayStream(data.make(num_envs, device=plan.device), explorer=task, replay=replay, seed=plan.seed)


class Follower:
    """Moves a target network's parameters towards those of another; they are looked up once."""

    def __init__(self, target: nn.Module, source: nn.Module, *, rate: float) -> None:
        """Look them up, when both are where they stay; `rate` is the share of the way that one call goes."""
        self._slow: list[Tensor] = list(target.parameters())
        self._fast: list[Tensor] = list(source.parameters())
        self._rate = rate

    @torch.no_grad()
    def __call__(self, made: Tensor | None) -> None:
        """Move them; not where `made` is 0."""
        if made is None:
            torch._foreach_lerp_(self._slow, self._fast, self._rate)
        else:
            for kept, current in zip(self._slow, self._fast, strict=True):
                kept.lerp_(current, made * self._rate)


def weighted_sum(value_B: Tensor, weight_B: Tensor | None) -> tuple[Tensor, Tensor | float]:
    """Return the sum of values and its weight; without weights each counts as one.

    Weights correct how samples were drawn, so that the sum is over the number of samples that count at all.
    """
    if weight_B is None:
        return value_B.sum(), float(len(value_B))
    return (weight_B * value_B).sum(), (weight_B > 0).float().sum().clamp(min=1.0)
