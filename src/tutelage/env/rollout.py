"""A stream that asks a policy to act: collect experience, compute advantages, serve it in minibatches.

Its state holds the environments, the unfinished minibatches and the counters, so a run resumes inside a rollout.

Source: Schulman et al., "High-Dimensional Continuous Control Using Generalized Advantage Estimation", 2015,
arXiv 1506.02438, equation 16. Differs from the paper: an episode cut by its time limit is bootstrapped with the value
of its last observation. Shapes: T = steps, E = environments, B = samples, A = outputs of the policy, O = observation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from tutelage.core.errors import UsageError
from tutelage.core.seeds import derive
from tutelage.core.typed import Count, take
from tutelage.env.base import Environment
from tutelage.env.coverage import Coverage
from tutelage.env.returns import Returns
from tutelage.env.reward_scale import RewardScale
from tutelage.env.watch import Watch

__all__ = ["Actor", "Rollout", "RolloutStream", "advantages", "below"]

SMALLEST_STD = 1e-8
"""Added to the std of advantages: they may all be alike."""
KL_TOLERANCE = 1.5
"""How many times the wished divergence ends the use of a rollout."""


class Actor(Protocol):
    """Who acts: a policy with a value function."""

    def noise(self, sizes: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Draw the random numbers [*sizes, A] that decide which actions are drawn, where the policy is."""

    def act(self, observation_EO: Tensor, noise_EA: Tensor) -> Tensor:
        """Return an action for each observation, as the policy counts it: int64 [E] or float32 [E, A]."""

    def to_env(self, action: Tensor) -> Tensor:
        """Return actions as the environment takes them."""

    def log_probability(self, observation_BO: Tensor, action: Tensor) -> Tensor:
        """Return the log-probability float32 [B] of actions."""

    def predict_values(self, observation_BO: Tensor) -> Tensor:
        """Return the value float32 [B] of each observation."""

    def learn_scale(self, observation_BO: Tensor) -> None:
        """Let the normalization of observations follow what was seen."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """How much to collect and how often to reuse it.

    Attributes:
        num_steps: Steps of each environment per rollout.
        num_epochs: Times each sample is used.
        minibatch_size: Samples per optimizer step; divides num_steps * number of environments.
        discount: Weight of the next reward, in (0, 1].
        gae_lambda: Weight of later advantages, in [0, 1]: 0 trusts the value network, 1 the rewards alone.
        normalizes: Whether advantages of each minibatch are brought to mean 0 and std 1, as a whole, so that
            micro-batches change nothing.
        scales_rewards: Whether rewards are divided by the running spread of discounted returns.
        target_kl: A rollout is used no more once its policy has moved so far from the one that collected it; 0 for no limit.
        max_env_steps: Environment steps after which nothing more is collected; 0 for no end.
    """

    num_steps: int = 128
    num_epochs: int = 4
    minibatch_size: int = 256
    discount: float = 0.99
    gae_lambda: float = 0.95
    normalizes: bool = True
    scales_rewards: bool = False
    target_kl: float = 0.0
    max_env_steps: int = 0


class RolloutStream:
    """Minibatches of a policy's own experience; endless."""

    epoch_size = 0

    def __init__(self, env: Environment, *, actor: Actor, rollout: Rollout, seed: int) -> None:
        """Reset the environments.

        Args:
            env: Vectorized environments that reset themselves.
            actor: Acts in them.
            rollout: Sizes.
            seed: The run's seed.

        Raises:
            UsageError: The minibatches do not divide the rollout.
        """
        num_samples = rollout.num_steps * env.num_envs
        if num_samples % rollout.minibatch_size:
            raise UsageError(
                f"a rollout of {rollout.num_steps} steps of {env.num_envs} environments has {num_samples} samples, which "
                f"minibatches of {rollout.minibatch_size} do not divide. Typical: a quarter, {num_samples // 4}."
            )
        self._env, self._actor = env, actor
        self._rollout = rollout
        self.batch_size = rollout.minibatch_size
        self._seed = seed
        self._observation = env.reset(torch.Generator().manual_seed(derive(seed, "env")))
        self._watch = Watch(env)
        self._watch.begin(self._observation)
        self._samples: dict[str, Tensor] = {}
        self._mixed: dict[str, Tensor] = {}
        self._mixed_for = (-1, -1)  # rollout and epoch
        self._num_rollouts = 0
        self._served = 0
        self._returns = Returns(env.num_envs, device=self._observation.device)
        self._coverage = Coverage(self._observation.device)
        self._scale = RewardScale(env.num_envs, discount=rollout.discount, device=self._observation.device)

    @property
    def environment(self) -> Environment:
        """The environments."""
        return self._env

    @property
    def acts_per_batch(self) -> float:
        """Steps of all environments together that stand behind one minibatch, in the mean."""
        rollout = self._rollout
        batches = rollout.num_epochs * rollout.num_steps * self._env.num_envs / rollout.minibatch_size
        return rollout.num_steps / batches

    @property
    def steps_per_period(self) -> int:
        """Minibatches after which acting and learning repeat."""
        rollout = self._rollout
        return rollout.num_epochs * rollout.num_steps * self._env.num_envs // rollout.minibatch_size

    @property
    def mean_return(self) -> float:
        """Mean return of the episodes that ended in the last rollout; NaN where none ended."""
        return self._returns.mean

    @property
    def env_steps(self) -> int:
        """Environment steps so far, in all copies together."""
        return self._num_rollouts * self._rollout.num_steps * self._env.num_envs

    @property
    def is_spent(self) -> bool:
        """Whether the environment steps that were given are used up, and the last rollout with them."""
        limit = self._rollout.max_env_steps
        one_more = self.env_steps + self._rollout.num_steps * self._env.num_envs
        return bool(limit) and self._num_rollouts > 0 and one_more > limit and self._is_used_up

    def metrics(self) -> dict[str, float]:
        """Return the mean return of the last rollout's episodes, all environment steps, and the cells that were visited."""
        found = {"env_steps": float(self.env_steps), "visited_cells": float(self._coverage.count)}
        return found | ({"return": self.mean_return} if self._returns.count else {})

    def next(self) -> dict[str, Tensor]:
        """Return the next minibatch; collect anew when all have been served."""
        if self._is_used_up:
            self._collect()
        epoch, index = divmod(self._served, self._per_epoch)
        if self._mixed_for != (self._num_rollouts, epoch):
            # Mixed once for all minibatches of an epoch: gathering a few rows at a time costs more than a small network's step.
            seed = derive(self._seed, "minibatch", self._num_rollouts, epoch)
            permutation = torch.randperm(self._num_samples, generator=torch.Generator().manual_seed(seed))
            rows = permutation.to(self._observation.device)
            self._mixed = {name: tensor[rows] for name, tensor in self._samples.items()}
            if self._rollout.normalizes:
                self._mixed["advantage"] = self._normalized()
            self._mixed_for = (self._num_rollouts, epoch)
        rows_here = slice(index * self._rollout.minibatch_size, (index + 1) * self._rollout.minibatch_size)
        self._served += 1
        return {name: tensor[rows_here] for name, tensor in self._mixed.items()}

    def row_numbers(self) -> None:
        """Return None: samples are made, and have no numbers."""

    def observe(self, report: Any) -> None:
        """Use the rollout no more, where the policy has moved farther than wished from the one that collected it."""
        if not self._rollout.target_kl:
            return
        name = next(key for key in report.parts if key.endswith("/kl"))
        weight = float(report.weights[name.rpartition("/")[0]])
        if weight and float(report.parts[name]) / weight > KL_TOLERANCE * self._rollout.target_kl:
            self._served = self._per_epoch * self._rollout.num_epochs

    def renew(self) -> None:
        """Drop what a policy that diverged has collected, and begin new episodes."""
        self._samples, self._mixed_for = {}, (-1, -1)
        self._observation = self._env.reset(torch.Generator().manual_seed(derive(self._seed, "env", self._num_rollouts)))
        self._watch.begin(self._observation)
        self._forget_episodes()

    @property
    def _num_samples(self) -> int:
        return len(self._samples["action"]) if self._samples else 0

    @property
    def _per_epoch(self) -> int:
        return self._num_samples // self._rollout.minibatch_size

    @property
    def _is_used_up(self) -> bool:
        return not self._samples or self._served >= self._per_epoch * self._rollout.num_epochs

    def _collect(self) -> None:
        """Act for `num_steps` steps and turn what happened into samples."""
        if self._samples:
            # Only between two rollouts: what is collected is learned from as it was seen.
            self._actor.learn_scale(_acted_on(self._samples))
        generator = torch.Generator().manual_seed(derive(self._seed, "act", self._num_rollouts))
        noise_TEA = self._actor.noise((self._rollout.num_steps, self._env.num_envs), generator)
        self._returns.begin()
        columns: dict[str, list[Tensor]] = {}
        for noise_EA in noise_TEA:
            observation = self._observation
            action = self._actor.act(observation, noise_EA)
            moved = self._env.step(self._actor.to_env(action))
            self._observation = moved.observation
            row = {
                "observation": observation,
                "action": action,
                "reward": moved.reward,
                "terminated": moved.terminated,
                "truncated": moved.truncated,
                "final": moved.final_observation,
            }
            row |= {} if moved.is_real is None else {"weight": moved.is_real.float()}
            for name, value in row.items():
                columns.setdefault(name, []).append(value)
        steps = {name: torch.stack(values) for name, values in columns.items()}
        self._watch.look_at_all(steps, self._observation)
        self._returns.add_all(steps["reward"], steps["terminated"] | steps["truncated"])
        self._samples = self._finish(steps)
        self._coverage.add(_acted_on(self._samples))
        self._num_rollouts += 1
        self._served = 0

    def _finish(self, steps: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compute advantages [T, E] and returns, and flatten time and environments."""
        num_steps, num_envs = steps["reward"].shape
        flat = {name: steps[name].flatten(0, 1) for name in ("observation", "action", "final")}
        value_TE = self._actor.predict_values(flat["observation"]).view(num_steps, num_envs)
        next_TE = self._actor.predict_values(flat["final"]).view(num_steps, num_envs)
        reward_TE = steps["reward"]
        if self._rollout.scales_rewards:
            is_real_TE = steps["weight"] > 0 if "weight" in steps else None
            reward_TE = self._scale.apply(reward_TE, steps["terminated"] | steps["truncated"], is_real_TE=is_real_TE)
        advantage_TE = advantages(
            reward_TE,
            value_TE=value_TE,
            next_TE=next_TE,
            terminated_TE=steps["terminated"],
            truncated_TE=steps["truncated"],
            discount=self._rollout.discount,
            gae_lambda=self._rollout.gae_lambda,
        )
        samples = {name: flat[name] for name in ("observation", "action")}
        samples["log_probability"] = self._actor.log_probability(flat["observation"], flat["action"])
        samples |= {"advantage": advantage_TE.flatten(), "return": (advantage_TE + value_TE).flatten()}
        return samples | ({"weight": steps["weight"].flatten()} if "weight" in steps else {})

    def _normalized(self) -> Tensor:
        """Return the mixed advantages float32 [B], each minibatch brought to mean 0 and std 1."""
        sizes = (-1, self._rollout.minibatch_size)
        weight = self._mixed.get("weight")
        return _normalized(self._mixed["advantage"].view(sizes), None if weight is None else weight.view(sizes)).flatten()

    def _forget_episodes(self) -> None:
        """Take note that new episodes have begun: nothing of the ones before belongs to their returns."""
        self._returns.forget()
        self._scale.forget()

    def close(self) -> None:
        """Close the environments."""
        self._env.close()

    def state(self) -> dict[str, Any]:
        """Return the environments, the samples being served and the counters."""
        state: dict[str, Any] = {f"sample/{name}": tensor for name, tensor in self._samples.items()}
        state |= {f"env/{name}": value for name, value in self._env.state().items()}
        state |= {f"returns/{name}": value for name, value in self._returns.state().items()}
        state |= {f"coverage/{name}": value for name, value in self._coverage.state().items()}
        state |= {f"scale/{name}": value for name, value in self._scale.state().items()}
        counters = {"counters": [self._num_rollouts, self._served], "ages": self._watch.state()}
        return state | counters | {"observation": self._observation}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        device = self._observation.device
        self._samples = {name: value.to(device) for name, value in below("sample", state).items()}
        begun = self._env.restore(below("env", state))
        self._observation = state["observation"].to(device, copy=True) if begun is None else begun
        self._returns.restore(below("returns", state))
        self._coverage.restore(below("coverage", state))
        self._scale.restore(below("scale", state))
        self._watch.restore(state.get("ages") if begun is None else None)
        if begun is not None:
            self._forget_episodes()
        self._num_rollouts, self._served = take(state, "counters", list[Count])
        self._mixed_for = (-1, -1)


def below(prefix: str, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries under a prefix, without it."""
    return {key.removeprefix(f"{prefix}/"): value for key, value in state.items() if key.startswith(f"{prefix}/")}


def _acted_on(samples: Mapping[str, Tensor]) -> Tensor:
    """Return the observations [B, O] of samples, without those of steps in which a copy only began anew."""
    return samples["observation"][samples["weight"] > 0] if "weight" in samples else samples["observation"]


def _normalized(advantage_MB: Tensor, weight_MB: Tensor | None) -> Tensor:
    """Return advantages with mean 0 and std 1 over each row, a minibatch; those of weight 0 count for nothing."""
    if weight_MB is None:
        std_M1 = advantage_MB.std(dim=1, keepdim=True)
        return (advantage_MB - advantage_MB.mean(dim=1, keepdim=True)) / (std_M1 + SMALLEST_STD)
    count_M1 = weight_MB.sum(dim=1, keepdim=True).clamp(min=2.0)
    mean_M1 = (weight_MB * advantage_MB).sum(dim=1, keepdim=True) / count_M1
    square_M1 = (weight_MB * (advantage_MB - mean_M1).square()).sum(dim=1, keepdim=True)
    return weight_MB * (advantage_MB - mean_M1) / ((square_M1 / (count_M1 - 1)).sqrt() + SMALLEST_STD)


def advantages(
    reward_TE: Tensor,
    *,
    value_TE: Tensor,
    next_TE: Tensor,
    terminated_TE: Tensor,
    truncated_TE: Tensor,
    discount: float,
    gae_lambda: float,
) -> Tensor:
    """Return generalized advantages float32 [T, E].

    Args:
        reward_TE: Rewards.
        value_TE: Values of the observations acted on.
        next_TE: Values of the observations reached, before any reset.
        terminated_TE: Whether the episode ended there for good (the next value counts as 0).
        truncated_TE: Whether it was cut there (the next value counts, the sum of advantages ends).
        discount: Weight of the next reward.
        gae_lambda: Lambda.
    """
    advantage_TE = reward_TE + discount * next_TE * (~terminated_TE) - value_TE
    decay_TE = discount * gae_lambda * (~(terminated_TE | truncated_TE)).float()
    # Step by step on the host, by NumPy: there a few numbers cost a fourth of what torch asks for.
    summed_TE, decays_TE = advantage_TE.cpu().numpy(), decay_TE.cpu().numpy()
    with np.errstate(all="ignore"):
        for step in range(len(summed_TE) - 2, -1, -1):
            summed_TE[step] += decays_TE[step] * summed_TE[step + 1]
    return torch.from_numpy(summed_TE).to(reward_TE.device)
