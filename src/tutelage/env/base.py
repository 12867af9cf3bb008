"""What every environment is: many copies of one problem, stepped at once as tensors.

Shapes: N = copies, O = sizes of one observation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from pydantic import Field
from torch import Tensor

from tutelage.core.spec import Component
from tutelage.env.actions import Actions

__all__ = ["Env", "Environment", "Transition"]


@dataclass(frozen=True, slots=True)
class Transition:
    """What one step of all copies brought.

    Attributes:
        observation: float32 [N, O], or uint8 for pixels: what to act on next.
        reward: float32 [N].
        terminated: bool [N]: the episode reached an end; nothing follows it.
        truncated: bool [N]: the episode was cut by its time limit; its value goes on from `final_observation`.
        final_observation: As `observation`: what the step led to, before any new episode began.
        is_real: bool [N], or None where all are: False where the copy did not act, but began its next episode. Nothing is to be
            learned from such a step. So do environments that reset themselves in the step after an episode's last one.
    """

    observation: Tensor
    reward: Tensor
    terminated: Tensor
    truncated: Tensor
    final_observation: Tensor
    is_real: Tensor | None = None


class Environment(Protocol):
    """Copies of an environment; a copy whose episode ends starts anew within the same step, or within the next.

    Attributes:
        name: What it is called in errors, such as `CartPole-v1`.
        num_envs: N.
        time_limit: Steps after which it cuts an episode itself; 0 where it does not, or does not say so.
        observation_sizes: O; channels, height, width for pixels.
        actions: What may be done.
        bounds: The least and the largest value that each number of an observation should have, [O] each; None where nothing is
            said of them, and for pixels.
    """

    name: str
    num_envs: int
    time_limit: int
    observation_sizes: tuple[int, ...]
    actions: Actions
    bounds: tuple[Tensor, Tensor] | None

    def reset(self, generator: torch.Generator) -> Tensor:
        """Begin new episodes and return observations [N, O]; all randomness from here on comes from this generator's stream.

        The environment continues the stream in a generator of its own; the one given is not touched.
        """

    def step(self, action: Tensor) -> Transition:
        """Take one action in every copy: int64 [N], or float32 [N, A] within the bounds.

        Raises:
            FaultyEnvironmentError: The environment broke.
        """

    def state(self) -> dict[str, Any]:
        """Return a copy of all that decides what comes next, random state included: tensors, and JSON values."""

    def restore(self, state: Mapping[str, Any]) -> Tensor | None:
        """Go on from `state`, exactly, without a `reset` before it.

        Returns:
            None; or, where the state could not be saved, the observations of the new episodes that begin instead.
        """

    def close(self) -> None:
        """Give back what the copies hold, such as windows and processes; doing so twice is no error."""


class Env(Component):
    """An environment and its settings."""

    family: ClassVar[str] = "env"
    num_envs: int = Field(8, ge=1, le=2**16, description="Copies that are stepped at once.")

    @staticmethod
    def find_snapshot(
        settings: Mapping[str, Any], make: Callable[[], Any] | None, tell: Callable[[str], None] = lambda text: None
    ) -> tuple[dict[str, Any], str]:
        """Return settings with which such an environment can be put back within an episode, and why it cannot be, or "".

        Args:
            settings: Of the environment.
            make: Returns one copy, where the environment is the user's own.
            tell: Takes what is odd about the environment, and hinders nothing.
        """
        return dict(settings), ""

    def build(self, *, device: torch.device | str = "cpu", make: Callable[[], Any] | None = None) -> Environment:
        """Make the copies; they wait for `reset` or `restore`.

        Args:
            device: Where tensors are.
            make: Returns one copy, where the environment is the user's own.
        """
        raise NotImplementedError
