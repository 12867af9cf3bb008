"""What an agent remembers: a ring of the last steps of all environments, from which n-step returns are made when they are drawn.

Shapes: R = rows, one for each step; E = environments; B = samples; O = observation.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from tutelage.core.typed import Count, take

__all__ = ["Memory"]

PRIORITY = "priority"
FIRST_PRIORITY = 1.0
"""Of a step that was never drawn, where none was; else it is the highest of all."""


class Memory:
    """The last steps, [R, E, ...] each; the oldest are overwritten."""

    def __init__(self, num_rows: int, *, num_envs: int, has_priorities: bool = False) -> None:
        """Remember nothing; memory is taken with the first step."""
        self._has_priorities = has_priorities
        self._num_rows, self._num_envs = num_rows, num_envs
        self._columns: dict[str, Tensor] = {}
        self._filled = 0
        self._next = 0

    def __len__(self) -> int:
        return self._filled * self._num_envs

    def add(self, step: Mapping[str, Tensor]) -> None:
        """Remember a step of all environments, each tensor [E, ...]."""
        if not self._columns:
            self._columns = {name: value.new_zeros(self._num_rows, *value.shape) for name, value in step.items()}
            if self._has_priorities:
                self._columns[PRIORITY] = torch.zeros(self._num_rows, self._num_envs, device=step["reward"].device)
        for name, value in step.items():
            self._columns[name][self._next] = value
        self._next = (self._next + 1) % self._num_rows
        self._filled = min(self._filled + 1, self._num_rows)
        if self._has_priorities:
            newest = (self._next - 1) % self._num_rows
            self._columns[PRIORITY][newest] = 0.0
            self._columns[PRIORITY][newest] = self._columns[PRIORITY].max().clamp(min=FIRST_PRIORITY)
            if "is_real" in step:
                # Nothing is learned from it, so its error would never fall: it would be drawn again and again.
                self._columns[PRIORITY][newest] *= step["is_real"]

    def cut(self) -> None:
        """Let no return go on from the newest step: what follows it is another episode."""
        if self._filled:
            self._columns["truncated"][(self._next - 1) % self._num_rows] = True

    def observations(self, *, last: int = 0) -> Tensor:
        """Return observations [B, O] of the last rows, or of all, without those of steps in which a copy only began anew."""
        count = min(last or self._filled, self._filled)
        rows = (self._next - count + torch.arange(count)) % self._num_rows
        seen = self._columns["observation"][rows].flatten(0, 1)
        return seen[self._columns["is_real"][rows].flatten()] if "is_real" in self._columns else seen

    def draw(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return rows and environments int64 [B] of steps drawn at random, each as likely as any."""
        flat_B = torch.randint(len(self), (count,), generator=generator)
        flat_B = flat_B.to(self._columns["reward"].device)
        return flat_B // self._num_envs, flat_B % self._num_envs

    def draw_by_priority(self, count: int, generator: torch.Generator, *, power: float) -> tuple[Tensor, Tensor, Tensor]:
        """Return rows and environments int64 [B], drawn in proportion to their priority, and what corrects that, float32 [B].

        The correction is (number of steps x probability) ^ -power, over the largest of the batch.
        """
        priority = self._columns[PRIORITY][: self._filled].flatten().double()
        sums = priority.cumsum(0)
        uniform_B = torch.rand(count, generator=generator, dtype=torch.float64).to(sums.device)
        flat_B = torch.searchsorted(sums, uniform_B * sums[-1], right=True).clamp(max=len(sums) - 1)
        weight_B = (len(self) * priority[flat_B] / sums[-1]) ** -power
        return flat_B // self._num_envs, flat_B % self._num_envs, (weight_B / weight_B.max()).float()

    def set_priority(self, row_B: Tensor, env_B: Tensor, priority_B: Tensor) -> None:
        """Set the priority of steps that were drawn."""
        self._columns[PRIORITY][row_B, env_B] = priority_B.float()

    def take(self, row_B: Tensor, env_B: Tensor, *, num_steps: int, discount: float) -> dict[str, Tensor]:
        """Return steps with the sum of their next rewards, up to the end of the episode.

        Returns:
            `observation` and `action`; `reward`: sum of up to `num_steps` discounted rewards, float32 [B]; `next_observation`:
            what the last of them led to; `discount`: the weight of its value, 0 where the episode has ended there; `weight`,
            where some steps were none: 0 for these.
        """
        columns = self._columns
        if num_steps == 1:
            return self._batch(row_B, env_B, total_B=columns["reward"][row_B, env_B], last_B=row_B, weight_B=discount)
        newest = (self._next - 1) % self._num_rows
        total_B = torch.zeros_like(row_B, dtype=torch.float32)
        weight_B = torch.ones_like(total_B)
        goes_on_B = torch.ones_like(row_B, dtype=torch.bool)
        last_B = row_B
        for ahead in range(num_steps):
            here_B = (row_B + ahead) % self._num_rows
            total_B = torch.where(goes_on_B, total_B + discount**ahead * columns["reward"][here_B, env_B], total_B)
            last_B = torch.where(goes_on_B, here_B, last_B)
            weight_B = torch.where(goes_on_B, discount ** (ahead + 1), weight_B)
            is_over_B = columns["terminated"][here_B, env_B] | columns["truncated"][here_B, env_B]
            goes_on_B = goes_on_B & ~is_over_B & (here_B != newest)
        return self._batch(row_B, env_B, total_B=total_B, last_B=last_B, weight_B=weight_B)

    def _batch(
        self, row_B: Tensor, env_B: Tensor, *, total_B: Tensor, last_B: Tensor, weight_B: Tensor | float
    ) -> dict[str, Tensor]:
        """Return steps with their summed rewards, the last row that was summed, and the weight of what follows it."""
        columns = self._columns
        batch = {name: columns[name][row_B, env_B] for name in ("observation", "action")}
        batch |= {"reward": total_B, "next_observation": columns["final"][last_B, env_B]}
        batch["discount"] = weight_B * (~columns["terminated"][last_B, env_B]).float()
        return batch | ({"weight": columns["is_real"][row_B, env_B].float()} if "is_real" in columns else {})

    def state(self) -> dict[str, Any]:
        """Return all that is remembered as tensors, and where the next step goes."""
        return {f"column/{name}": value[: self._filled] for name, value in self._columns.items()} | {
            "place": [self._filled, self._next]
        }

    def restore(self, state: Mapping[str, Any], *, device: torch.device) -> None:
        """Go on from `state`."""
        self._filled, self._next = take(state, "place", list[Count])
        self._columns = {}
        for key, value in state.items():
            if key.startswith("column/"):
                column = torch.zeros(self._num_rows, *value.shape[1:], dtype=value.dtype, device=device)
                column[: self._filled] = value.to(device)
                self._columns[key.removeprefix("column/")] = column
