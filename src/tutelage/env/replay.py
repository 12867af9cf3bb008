"""A stream of old experience: act, remember, and serve random minibatches of what is remembered, with n-step returns.

Its state holds the environments, all that is remembered and the counters, so a run resumes with the same bits.

Sources: Mnih et al., "Human-level control through deep reinforcement learning", Nature 518, 2015 (replay, epsilon schedule);
Sutton 1988 (n-step returns); Schaul et al., "Prioritized Experience Replay", 2015, arXiv 1511.05952, equations 1 and 2.
Differs from the papers: priorities are found by sums over all of the memory in place of a tree; where an episode was cut by its
time limit, or what is remembered ends, the n-step return is shorter and bootstrapped there.
Shapes: E = environments, B = samples, O = observation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from tutelage.core.seeds import derive
from tutelage.core.typed import Count, take
from tutelage.env.base import Environment
from tutelage.env.coverage import Coverage
from tutelage.env.memory import Memory
from tutelage.env.returns import Returns
from tutelage.env.rollout import below
from tutelage.env.watch import Watch

__all__ = ["Explorer", "Replay", "ReplayStream"]

NUM_RETURNS = 4096
"""Environment steps over which the mean return that is logged is counted."""
PRIORITY_POWER, CORRECTION_POWER, LEAST_PRIORITY = 0.6, 0.4, 1e-3
"""Alpha, beta and epsilon of the paper, section 3.3 and 3.4; beta stays where it begins."""


class Explorer(Protocol):
    """Who acts and learns from what is remembered."""

    def explore(self, observation_EO: Tensor, epsilon: float, generator: torch.Generator) -> Tensor:
        """Return an action for each observation, as it is remembered; at random with probability `epsilon`."""

    def to_env(self, action: Tensor) -> Tensor:
        """Return actions as the environment takes them."""

    def errors(self, batch: dict[str, Tensor]) -> Tensor:
        """Return how wrong the present estimate is for each sample, float32 [B]."""

    def learn_scale(self, observation_BO: Tensor) -> None:
        """Let the normalization of observations follow what was seen."""


@dataclass(frozen=True, slots=True)
class Replay:
    """How much to remember, and how to use it.

    Attributes:
        capacity: Steps that are remembered, of all environments together.
        warmup: Steps that are acted at random before anything is learned.
        collect_steps: Steps of each environment between updates.
        num_updates: Updates after these.
        batch_size: Samples in a minibatch.
        discount: Weight of the next reward.
        num_steps: Rewards that are summed before the estimate takes over.
        epsilon: Probability of a random action at the end of exploration; it falls from 1 in a straight line.
        explore_steps: Steps until there; 0 explores as the policy itself draws its actions.
        prioritized: Whether samples whose estimate was wrong are drawn more often.
    """

    capacity: int
    warmup: int
    collect_steps: int
    num_updates: int
    batch_size: int
    discount: float
    num_steps: int = 1
    epsilon: float = 0.0
    explore_steps: int = 0
    prioritized: bool = False


class ReplayStream:
    """Minibatches of remembered steps; endless."""

    epoch_size = 0

    def __init__(self, env: Environment, *, explorer: Explorer, replay: Replay, seed: int) -> None:
        """Reset the environments."""
        self._env, self._explorer, self._replay, self._seed = env, explorer, replay, seed
        self.batch_size = replay.batch_size
        self._observation = env.reset(torch.Generator().manual_seed(derive(seed, "env")))
        self._watch = Watch(env)
        self._watch.begin(self._observation)
        self._memory = Memory(
            max(replay.capacity // env.num_envs, replay.num_steps + 1), num_envs=env.num_envs, has_priorities=replay.prioritized
        )
        self._returns = Returns(env.num_envs, device=self._observation.device)
        self._coverage = Coverage(self._observation.device)
        self._num_steps = 0  # of each environment
        self._num_updates = 0
        self._told_at = 0
        self._drawn: tuple[Tensor, Tensor, dict[str, Tensor]] | None = None
        self._generator = torch.Generator()

    @property
    def environment(self) -> Environment:
        """The environments."""
        return self._env

    @property
    def acts_per_batch(self) -> float:
        """Steps of all environments together that stand behind one minibatch, in the mean."""
        return self._replay.collect_steps / self._replay.num_updates

    @property
    def steps_per_period(self) -> int:
        """Minibatches after which acting and learning repeat."""
        return self._replay.num_updates

    @property
    def env_steps(self) -> int:
        """Environment steps so far, in all copies together."""
        return self._num_steps * self._env.num_envs

    @property
    def epsilon(self) -> float:
        """The probability of a random action now."""
        replay = self._replay
        if self.env_steps < replay.warmup:
            return 1.0
        if not replay.explore_steps:
            return 0.0
        return max(replay.epsilon, 1.0 - (1.0 - replay.epsilon) * (self.env_steps - replay.warmup) / replay.explore_steps)

    def metrics(self) -> dict[str, float]:
        """Return environment steps, visited cells, the random share of actions, and the mean return of the last episodes."""
        found = {"env_steps": float(self.env_steps), "visited_cells": float(self._coverage.count)}
        found |= {"epsilon": self.epsilon} if self._replay.explore_steps else {}
        return found | ({"return": self._returns.mean} if self._returns.count else {})

    def fill(self) -> None:
        """Act at random until something can be learned; the first minibatch does so otherwise."""
        least = max(self._replay.warmup, 1)
        while self.env_steps < least:
            self._act()
            if self.env_steps >= least:
                self._explorer.learn_scale(self._memory.observations())

    def next(self) -> dict[str, Tensor]:
        """Act, where it is time for that, and return a minibatch of what is remembered."""
        replay = self._replay
        self.fill()
        if self._num_updates % replay.num_updates == 0:
            for _ in range(replay.collect_steps):
                self._act()
        generator = self._generator.manual_seed(derive(self._seed, "replay", self._num_updates))
        self._num_updates += 1
        if replay.prioritized:
            row_B, env_B, weight_B = self._memory.draw_by_priority(replay.batch_size, generator, power=CORRECTION_POWER)
        else:
            row_B, env_B = self._memory.draw(replay.batch_size, generator)
            weight_B = None
        batch = self._memory.take(row_B, env_B, num_steps=replay.num_steps, discount=replay.discount)
        if weight_B is not None:
            batch["weight"] = weight_B * batch["weight"] if "weight" in batch else weight_B
            self._drawn = (row_B, env_B, batch)
        return batch

    def row_numbers(self) -> None:
        """Return None: samples are made, and have no numbers."""

    def observe(self, report: object) -> None:
        """Give the samples of the last batch the priority of their present error."""
        if self._drawn is not None:
            row_B, env_B, batch = self._drawn
            priority_B = (self._explorer.errors(batch).abs() + LEAST_PRIORITY) ** PRIORITY_POWER
            self._memory.set_priority(row_B, env_B, priority_B)
            self._drawn = None

    def renew(self) -> None:
        """Begin new episodes; what is remembered came of the environment, and stays."""
        self._observation = self._env.reset(torch.Generator().manual_seed(derive(self._seed, "env", self._num_steps)))
        self._watch.begin(self._observation)
        self._returns.forget()
        self._memory.cut()

    def close(self) -> None:
        """Close the environments."""
        self._env.close()

    def state(self) -> dict[str, Any]:
        """Return the environments, what is remembered, and the counters."""
        state: dict[str, Any] = {f"memory/{name}": value for name, value in self._memory.state().items()}
        state |= {f"env/{name}": value for name, value in self._env.state().items()}
        state |= {f"returns/{name}": value for name, value in self._returns.state().items()}
        state |= {f"coverage/{name}": value for name, value in self._coverage.state().items()}
        state["ages"] = self._watch.state()
        state["counters"] = [self._num_steps, self._num_updates, self._told_at]
        return state | {"observation": self._observation}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        device = self._observation.device
        self._memory.restore(below("memory", state), device=device)
        begun = self._env.restore(below("env", state))
        self._observation = state["observation"].to(device, copy=True) if begun is None else begun
        self._returns.restore(below("returns", state))
        self._watch.restore(state.get("ages") if begun is None else None)
        if begun is not None:
            self._memory.cut()
            self._returns.forget()
        self._coverage.restore(below("coverage", state))
        self._num_steps, self._num_updates, self._told_at = take(state, "counters", list[Count])
        self._drawn = None

    def _act(self) -> None:
        """Take one step in each environment, and remember it."""
        if self.env_steps - self._told_at >= NUM_RETURNS:
            self._returns.begin()
            self._told_at = self.env_steps
        generator = self._generator.manual_seed(derive(self._seed, "act", self._num_steps))
        observation = self._observation
        action = self._explorer.explore(observation, self.epsilon, generator)
        moved = self._env.step(self._explorer.to_env(action))
        self._watch.look(moved, action)
        self._observation = moved.observation
        self._returns.add(moved.reward, moved.terminated | moved.truncated)
        step = {
            "observation": observation,
            "action": action,
            "reward": moved.reward,
            "terminated": moved.terminated,
            "truncated": moved.truncated,
            "final": moved.final_observation,
        }
        self._memory.add(step | ({} if moved.is_real is None else {"is_real": moved.is_real}))
        self._num_steps += 1
        if self._num_steps % 64 == 0:
            self._coverage.add(self._memory.observations(last=64))
