"""What every environment is: many copies of one problem, stepped at once as tensors, that can be saved and put back exactly.

Shapes: N = copies, F = observation size.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from pydantic import Field
from torch import Tensor

from tutelage.core.spec import Component

__all__ = ["Env", "Environment", "Transition"]


@dataclass(frozen=True, slots=True)
class Transition:
    """What one step of all copies brought.

    Attributes:
        observation: float32 [N, F]: what to act on next; the first of a new episode where the last one ended.
        reward: float32 [N].
        terminated: bool [N]: the episode reached an end; nothing follows it.
        truncated: bool [N]: the episode was cut by its time limit; its value goes on from `final_observation`.
        final_observation: float32 [N, F]: what the step led to, before any new episode began.
    """

    observation: Tensor
    reward: Tensor
    terminated: Tensor
    truncated: Tensor
    final_observation: Tensor


class Environment(Protocol):
    """Copies of an environment; a copy whose episode ends starts anew within the same step.

    Attributes:
        num_envs: N.
        observation_size: F.
        num_actions: Actions are whole numbers from 0 to this minus 1.
    """

    num_envs: int
    observation_size: int
    num_actions: int

    def reset(self, generator: torch.Generator) -> Tensor:
        """Begin new episodes and return observations [N, F]; all randomness from here on comes from this generator's stream.

        The environment continues the stream in a generator of its own; the one given is not touched.
        """

    def step(self, action_N: Tensor) -> Transition:
        """Take one action, int64, in every copy."""

    def state(self) -> dict[str, Any]:
        """Return a copy of all that decides what comes next, random state included: tensors, and JSON values."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`, exactly, without a `reset` before it."""

    def close(self) -> None:
        """Give back what the copies hold, such as windows and processes; doing so twice is no error."""


class Env(Component):
    """An environment and its settings."""

    family: ClassVar[str] = "env"
    num_envs: int = Field(8, ge=1, le=2**16, description="Copies that are stepped at once.")

    def build(self, *, device: torch.device | str = "cpu") -> Environment:
        """Make the copies; they wait for `reset` or `restore`."""
        raise NotImplementedError
