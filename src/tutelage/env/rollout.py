"""A stream that asks a policy to act: collect experience, compute advantages, serve it in minibatches.

Its state holds the environments, the unfinished minibatches and the counters, so a run resumes inside a rollout.

Source: Schulman et al., "High-Dimensional Continuous Control Using Generalized Advantage Estimation", 2015,
arXiv 1506.02438, equation 16. Differs from the paper: an episode cut by its time limit is bootstrapped with the value
of its last observation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tutelage.core.errors import UsageError
from tutelage.core.seeds import derive
from tutelage.env.base import Environment

__all__ = ["Rollout", "RolloutStream", "advantages"]

SMALLEST_STD = 1e-8
"""Added to the std of advantages: they may all be alike."""

Act = Callable[[Tensor, torch.Generator], tuple[Tensor, Tensor]]
PredictValues = Callable[[Tensor], Tensor]


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
    """

    num_steps: int = 128
    num_epochs: int = 4
    minibatch_size: int = 256
    discount: float = 0.99
    gae_lambda: float = 0.95
    normalizes: bool = True


class RolloutStream:
    """Minibatches of a policy's own experience; endless."""

    epoch_size = 0

    def __init__(self, env: Environment, *, act: Act, predict_values: PredictValues, rollout: Rollout, seed: int) -> None:
        """Reset the environments.

        Args:
            env: Vectorized environments that reset themselves.
            act: observation [E, O], generator -> action [E], log-probability [E].
            predict_values: observation [B, O] -> value [B].
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
        self._env = env
        self._act, self._predict_values = act, predict_values
        self._rollout = rollout
        self.batch_size = rollout.minibatch_size
        self._seed = seed
        self._observation = env.reset(torch.Generator().manual_seed(derive(seed, "env")))
        self._samples: dict[str, Tensor] = {}
        self._num_rollouts = 0
        self._served = 0
        device = self._observation.device
        self._return_sum = torch.zeros(len(self._observation), dtype=torch.float64, device=device)
        # On the device: counting returns must not make the host wait at every step.
        self._finished_return = torch.zeros((), dtype=torch.float64, device=device)
        self._num_finished = torch.zeros((), dtype=torch.int64, device=device)

    @property
    def mean_return(self) -> float:
        """Mean return of the episodes that ended in the last rollout; NaN where none ended."""
        count = int(self._num_finished)
        return float(self._finished_return) / count if count else float("nan")

    def metrics(self) -> dict[str, float]:
        """Return the mean return of the last rollout's episodes, where any ended, and all environment steps so far."""
        found = {"env_steps": float(self._num_rollouts * self._rollout.num_steps * self._env.num_envs)}
        return found | ({"mean_return": self.mean_return} if int(self._num_finished) else {})

    def next(self) -> dict[str, Tensor]:
        """Return the next minibatch; collect anew when all have been served."""
        num_samples = len(self._samples["action"]) if self._samples else 0
        per_epoch = num_samples // self._rollout.minibatch_size
        if not num_samples or self._served == per_epoch * self._rollout.num_epochs:
            self._collect()
            num_samples = len(self._samples["action"])
            per_epoch = num_samples // self._rollout.minibatch_size
        epoch, index = divmod(self._served, per_epoch)
        seed = derive(self._seed, "minibatch", self._num_rollouts, epoch)
        permutation = torch.randperm(num_samples, generator=torch.Generator().manual_seed(seed))
        rows = permutation[index * self._rollout.minibatch_size : (index + 1) * self._rollout.minibatch_size]
        self._served += 1
        batch = {name: tensor[rows.to(tensor.device)] for name, tensor in self._samples.items()}
        if self._rollout.normalizes:
            advantage = batch["advantage"]
            batch["advantage"] = (advantage - advantage.mean()) / (advantage.std() + SMALLEST_STD)
        return batch

    def row_numbers(self) -> None:
        """Return None: samples are made, and have no numbers."""

    def observe(self, report: object) -> None:
        """Take note of a step; nothing here reacts to it."""

    def renew(self) -> None:
        """Drop what a policy that diverged has collected, and begin new episodes."""
        self._samples = {}
        self._observation = self._env.reset(torch.Generator().manual_seed(derive(self._seed, "env", self._num_rollouts)))
        self._return_sum = torch.zeros_like(self._return_sum)

    def _collect(self) -> None:
        """Act for `num_steps` steps and turn what happened into samples."""
        generator = torch.Generator().manual_seed(derive(self._seed, "act", self._num_rollouts))
        self._finished_return, self._num_finished = self._finished_return * 0, self._num_finished * 0
        columns: dict[str, list[Tensor]] = {}
        for _ in range(self._rollout.num_steps):
            observation = self._observation
            action, log_probability = self._act(observation, generator)
            moved = self._env.step(action)
            self._observation = moved.observation
            self._count_returns(moved.reward, moved.terminated | moved.truncated)
            row = {
                "observation": observation,
                "action": action,
                "log_probability": log_probability,
                "reward": moved.reward,
                "terminated": moved.terminated,
                "truncated": moved.truncated,
                "final": moved.final_observation,
            }
            for name, value in row.items():
                columns.setdefault(name, []).append(value)
        self._samples = self._finish({name: torch.stack(values) for name, values in columns.items()})
        self._num_rollouts += 1
        self._served = 0

    def _finish(self, steps: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compute advantages [T, E] and returns, and flatten time and environments."""
        num_steps, num_envs = steps["reward"].shape
        value_TE = self._predict_values(steps["observation"].flatten(0, 1)).view(num_steps, num_envs)
        next_TE = self._predict_values(steps["final"].flatten(0, 1)).view(num_steps, num_envs)
        advantage_TE = advantages(
            steps["reward"].float(),
            value_TE=value_TE,
            next_TE=next_TE,
            terminated_TE=steps["terminated"],
            truncated_TE=steps["truncated"],
            discount=self._rollout.discount,
            gae_lambda=self._rollout.gae_lambda,
        )
        steps = {name: steps[name] for name in ("observation", "action", "log_probability")}
        steps |= {"advantage": advantage_TE, "return": advantage_TE + value_TE}
        return {name: tensor.flatten(0, 1) for name, tensor in steps.items()}

    def _count_returns(self, reward_E: Tensor, ended_E: Tensor) -> None:
        """Keep the sum of rewards of each running episode, and of those that ended."""
        self._return_sum = self._return_sum + reward_E.double()
        self._finished_return = self._finished_return + torch.where(ended_E, self._return_sum, 0.0).sum()
        self._num_finished = self._num_finished + ended_E.sum()
        self._return_sum = torch.where(ended_E, 0.0, self._return_sum)

    def close(self) -> None:
        """Close the environments."""
        self._env.close()

    def state(self) -> dict[str, Any]:
        """Return the environments, the samples being served and the counters."""
        state: dict[str, Any] = {f"sample/{name}": tensor for name, tensor in self._samples.items()}
        state |= {f"env/{name}": value for name, value in self._env.state().items()}
        state |= {"observation": self._observation, "return_sum": self._return_sum}
        state |= {"finished_return": self._finished_return, "num_finished": self._num_finished}
        state["counters"] = [self._num_rollouts, self._served]
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        device = self._observation.device
        self._samples = {
            key.removeprefix("sample/"): value.to(device) for key, value in state.items() if key.startswith("sample/")
        }
        self._env.restore({key.removeprefix("env/"): value for key, value in state.items() if key.startswith("env/")})
        self._observation = state["observation"].to(device, copy=True)
        self._return_sum = state["return_sum"].to(device, copy=True)
        self._finished_return, self._num_finished = (state[key].to(device) for key in ("finished_return", "num_finished"))
        self._num_rollouts, self._served = state["counters"]


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
    delta_TE = reward_TE + discount * next_TE * (~terminated_TE) - value_TE
    goes_on_TE = ~(terminated_TE | truncated_TE)
    advantage_TE = torch.zeros_like(reward_TE)
    running_E = torch.zeros_like(reward_TE[0])
    for step in range(len(reward_TE) - 1, -1, -1):
        running_E = delta_TE[step] + discount * gae_lambda * goes_on_TE[step] * running_E
        advantage_TE[step] = running_E
    return advantage_TE
