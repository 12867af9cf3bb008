"""Divides rewards by the running spread of discounted returns, so that one learning rate does for all environments.

Source: Engstrom et al., "Implementation Matters in Deep Policy Gradients", 2020, arXiv 2005.12729, algorithm 1 (reward scaling).
Differs from the paper: the spread of a whole rollout is known before it is divided. Shapes: T = steps, E = environments.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

__all__ = ["RewardScale"]

SMALLEST_STD = 1e-4


class RewardScale:
    """Follows discounted returns."""

    def __init__(self, num_envs: int, *, discount: float, device: torch.device | str = "cpu") -> None:
        """Begin with new episodes."""
        self._discount = discount
        self._running_E = torch.zeros(num_envs, dtype=torch.float64, device=device)
        # Count, mean and sum of squared deviations of all discounted returns so far.
        self._moments = torch.zeros(3, dtype=torch.float64, device=device)

    def forget(self) -> None:
        """Begin new episodes in all environments; the spread of those before still counts."""
        self._running_E = torch.zeros_like(self._running_E)

    def apply(self, reward_TE: Tensor, ended_TE: Tensor, *, is_real_TE: Tensor | None = None) -> Tensor:
        """Follow a rollout's rewards, and return them scaled, float32 [T, E].

        Args:
            reward_TE: Rewards.
            ended_TE: Whether an episode ended there, bool.
            is_real_TE: False where a copy only began anew, which is no step and counts for nothing; None where all are real.
        """
        found = torch.empty(reward_TE.shape, dtype=torch.float64, device=reward_TE.device)
        for step, (reward_E, ended_E) in enumerate(zip(reward_TE.double(), ended_TE, strict=True)):
            self._running_E = self._running_E * self._discount + reward_E
            found[step] = self._running_E
            self._running_E = torch.where(ended_E, 0.0, self._running_E)
        if is_real_TE is not None:
            found = found[is_real_TE]
        count, mean, squares = self._moments.unbind()
        if not found.numel():
            return (reward_TE / self._std).float()
        total, shift = count + found.numel(), found.mean() - mean
        squares = squares + (found - found.mean()).square().sum() + shift.square() * count * found.numel() / total
        self._moments = torch.stack([total, mean + shift * found.numel() / total, squares])
        return (reward_TE / self._std).float()

    @property
    def _std(self) -> Tensor:
        """The spread of all discounted returns so far, float64 []."""
        count, _, squares = self._moments.unbind()
        return (squares / count.clamp(min=1)).sqrt().clamp(min=SMALLEST_STD)

    def state(self) -> dict[str, Any]:
        """Return running returns and moments as tensors."""
        return {"running": self._running_E, "moments": self._moments}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        device = self._moments.device
        self._running_E, self._moments = (state[key].to(device, copy=True) for key in ("running", "moments"))
