"""The sums of rewards of running episodes, and the mean of those that ended; kept on the device, so that the host need not wait.

Shapes: T = steps, E = environments.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

__all__ = ["Returns"]


class Returns:
    """Counts returns."""

    def __init__(self, num_envs: int, *, device: torch.device | str = "cpu") -> None:
        """Begin with new episodes in all environments."""
        self._running_E = torch.zeros(num_envs, dtype=torch.float64, device=device)
        self._ended = torch.zeros((), dtype=torch.float64, device=device)
        self._count = torch.zeros((), dtype=torch.int64, device=device)

    @property
    def count(self) -> int:
        """Episodes that ended since `begin`."""
        return int(self._count)

    @property
    def mean(self) -> float:
        """Their mean return; NaN where none ended."""
        return float(self._ended) / self.count if self.count else float("nan")

    def begin(self) -> None:
        """Count anew the episodes that end from now on; running ones go on."""
        self._ended, self._count = torch.zeros_like(self._ended), torch.zeros_like(self._count)

    def forget(self) -> None:
        """Begin new episodes in all environments."""
        self._running_E = torch.zeros_like(self._running_E)

    def add(self, reward_E: Tensor, ended_E: Tensor) -> None:
        """Add a step's rewards, and take note of the episodes that ended with it."""
        self._running_E = self._running_E + reward_E.double()
        self._ended = self._ended + torch.where(ended_E, self._running_E, 0.0).sum()
        self._count = self._count + ended_E.sum()
        self._running_E = torch.where(ended_E, 0.0, self._running_E)

    def add_all(self, reward_TE: Tensor, ended_TE: Tensor) -> None:
        """Add the rewards of many steps at once: the same as one after another, but for rounding."""
        sum_TE = reward_TE.double().cumsum(dim=0)
        time_T1 = torch.arange(len(sum_TE), device=sum_TE.device)[:, None]
        # The last step up to each one at which an episode ended; -1 for none, where the running sum goes on.
        last_TE = torch.where(ended_TE, time_T1, -1).cummax(dim=0).values
        told_TE = torch.where(last_TE < 0, -self._running_E, sum_TE.gather(0, last_TE.clamp(min=0)))
        before_TE = torch.cat([-self._running_E[None], told_TE[:-1]])
        self._ended = self._ended + torch.where(ended_TE, sum_TE - before_TE, 0.0).sum()
        self._count = self._count + ended_TE.sum()
        self._running_E = sum_TE[-1] - told_TE[-1]

    def state(self) -> dict[str, Any]:
        """Return all sums as tensors."""
        return {"running": self._running_E, "ended": self._ended, "count": self._count}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        device = self._running_E.device
        self._running_E, self._ended, self._count = (state[key].to(device, copy=True) for key in ("running", "ended", "count"))
