"""Divides rewards by the running spread of discounted returns, so that one learning rate does for all environments.

Source: Engstrom et al., "Implementation Matters in Deep Policy Gradients", 2020, arXiv 2005.12729, algorithm 1 (reward scaling).
Differs from the paper: the spread of a whole rollout is known before it is divided. Shapes: T = steps, E = environments.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
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
        found = self._followed(reward_TE, ended_TE)
        if is_real_TE is not None:
            found = found[is_real_TE]
        count, mean, squares = self._moments.unbind()
        if not found.numel():
            return (reward_TE / self._std).float()
        total, shift = count + found.numel(), found.mean() - mean
        squares = squares + (found - found.mean()).square().sum() + shift.square() * count * found.numel() / total
        self._moments = torch.stack([total, mean + shift * found.numel() / total, squares])
        return (reward_TE / self._std).float()

    def _followed(self, reward_TE: Tensor, ended_TE: Tensor) -> Tensor:
        """Return the discounted return at each step float64 [T, E]; step by step, by NumPy, at a fourth of torch's price."""
        found_TE = reward_TE.double().cpu().numpy().copy()
        goes_on_TE = ~ended_TE.cpu().numpy()
        running_E = self._running_E.cpu().numpy()
        with np.errstate(all="ignore"):
            for found_E, goes_on_E in zip(found_TE, goes_on_TE, strict=True):
                found_E += running_E * self._discount
                running_E = np.where(goes_on_E, found_E, 0.0)
        self._running_E = torch.from_numpy(running_E).to(self._running_E.device)
        return torch.from_numpy(found_TE).to(reward_TE.device)

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
