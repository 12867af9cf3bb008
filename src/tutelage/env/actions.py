"""What an agent may do: choose one of a few actions, or give numbers between bounds.

Shapes: N = copies of an environment, A = numbers in an action.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Actions"]


@dataclass(frozen=True)
class Actions:
    """The actions of an environment.

    Attributes:
        num_choices: Actions are whole numbers from 0 to this minus 1; 0 where they are numbers between bounds.
        low: Smallest value of each number, in the environment's unit.
        high: Largest value of each number.
    """

    num_choices: int = 0
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    @property
    def is_discrete(self) -> bool:
        """Whether one of a few is chosen."""
        return self.num_choices > 0

    @property
    def size(self) -> int:
        """Outputs that a policy needs: one for each choice, or one for each number."""
        return self.num_choices or len(self.low)

    def from_unit(self, unit_NA: Tensor) -> Tensor:
        """Return numbers float32 [N, A] in the environment's unit for numbers in -1 to 1; what lies outside is clipped."""
        low_A, high_A = self.bounds(unit_NA)
        return low_A + (unit_NA.clamp(-1.0, 1.0) + 1.0) * (0.5 * (high_A - low_A))

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw actions at random: int64 [N], or float32 [N, A] in the environment's unit."""
        if self.is_discrete:
            return torch.randint(self.num_choices, (count,), generator=generator)
        return self.from_unit(2 * torch.rand(count, len(self.low), generator=generator) - 1)

    def bounds(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Return both bounds float32 [A], where a tensor is."""
        return _tensor(self.low, like), _tensor(self.high, like)


def _tensor(values: Sequence[float], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=torch.float32, device=like.device)
