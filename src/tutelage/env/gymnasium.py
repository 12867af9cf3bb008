"""Environments of the Gymnasium library, several copies stepped one after another, saved and put back by replaying.

A copy's state is the random state before its last reset and the actions since: put back by resetting and acting again,
which is exact for every environment whose randomness comes from its own generator (`np_random`).

Shapes: N = copies, F = observation size.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from tutelage.env.base import Env, Environment, Transition

__all__ = ["Gymnasium", "GymnasiumCopies"]


class Gymnasium(Env):
    """An environment by its name."""

    kind: Literal["gymnasium"] = "gymnasium"
    name: str = Field("CartPole-v1", description="Gymnasium's name of the environment.")

    def build(self, *, device: torch.device | str = "cpu") -> Environment:
        """Make the copies; they wait for `reset` or `restore`."""
        return GymnasiumCopies(self.name, self.num_envs, device=device)


class GymnasiumCopies:
    """N copies of one environment."""

    def __init__(self, name: str, num_envs: int, *, device: torch.device | str = "cpu") -> None:
        """Make them; the library is an extra."""
        import gymnasium

        self._copies = [gymnasium.make(name) for _ in range(num_envs)]
        self._device = torch.device(device)
        self.num_envs = num_envs
        self.observation_size = int(np.prod(self._copies[0].observation_space.shape))
        self.num_actions = int(self._copies[0].action_space.n)
        self._random: list[dict[str, Any]] = [{} for _ in range(num_envs)]
        self._actions: list[list[int]] = [[] for _ in range(num_envs)]

    def reset(self, generator: torch.Generator) -> Tensor:
        """Begin new episodes and return observations float32 [N, F]."""
        given = torch.Generator().set_state(generator.get_state())
        seeds = torch.randint(2**31, (self.num_envs,), generator=given).tolist()
        observations = []
        for number, copy in enumerate(self._copies):
            copy.reset(seed=seeds[number])
            observations.append(self._begin(number))
        return self._stack(observations)

    def step(self, action_N: Tensor) -> Transition:
        """Take one action in every copy; one whose episode ends starts anew."""
        shown, final, rewards, terminated, truncated = [], [], [], [], []
        for number, action in enumerate(action_N.tolist()):
            observation, reward, is_end, is_cut, _ = self._copies[number].step(action)
            self._actions[number].append(action)
            final.append(observation)
            shown.append(self._begin(number) if is_end or is_cut else observation)
            rewards.append(float(reward))
            terminated.append(bool(is_end))
            truncated.append(bool(is_cut))
        return Transition(
            observation=self._stack(shown),
            reward=torch.tensor(rewards, dtype=torch.float32, device=self._device),
            terminated=torch.tensor(terminated, device=self._device),
            truncated=torch.tensor(truncated, device=self._device),
            final_observation=self._stack(final),
        )

    def state(self) -> dict[str, Any]:
        """Return random states and actions as JSON values, and nothing else."""
        return {"random": [dict(state) for state in self._random], "actions": [list(actions) for actions in self._actions]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Reset each copy with the random state of its last reset, and act again."""
        for number, copy in enumerate(self._copies):
            if copy.unwrapped._np_random is None:
                copy.reset(seed=0)  # makes the generator that is set now
            copy.unwrapped.np_random.bit_generator.state = _unpacked(state["random"][number])
            self._begin(number)
            for action in state["actions"][number]:
                copy.step(action)
            self._actions[number] = list(state["actions"][number])

    def close(self) -> None:
        """Close every copy, once."""
        copies, self._copies = self._copies, []
        for copy in copies:
            copy.close()

    def _begin(self, number: int) -> np.ndarray:
        """Reset one copy, remembering the random state before it."""
        copy = self._copies[number]
        self._random[number] = _packed(copy.unwrapped.np_random.bit_generator.state)
        self._actions[number] = []
        observation, _ = copy.reset()
        return np.asarray(observation)

    def _stack(self, observations: list[Any]) -> Tensor:
        """Return observations float32 [N, F]."""
        return torch.from_numpy(np.stack(observations).astype(np.float32).reshape(self.num_envs, -1)).to(self._device)


def _packed(state: Mapping[str, Any]) -> dict[str, Any]:
    """Write a generator's state with its large numbers as text, which JSON keeps exactly."""
    return {key: _packed(value) if isinstance(value, Mapping) else str(value) for key, value in state.items()}


def _unpacked(state: Mapping[str, Any]) -> dict[str, Any]:
    """Read what `_packed` wrote."""
    plain = {key: _unpacked(value) if isinstance(value, Mapping) else value for key, value in state.items()}
    return {key: int(value) if isinstance(value, str) and value.isdecimal() else value for key, value in plain.items()}
