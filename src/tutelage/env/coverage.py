"""How many different states an agent has seen: a measure of exploration.

Each number of an observation is cut into cells of half a standard deviation, as the first observations were spread; cells are
counted by their hash, so that memory does not grow. Pictures are looked at by their mean over blocks of pixels.

Source: Tang et al., "#Exploration: A Study of Count-Based Exploration", 2017, arXiv 1611.04717, section 2.2 (hashed states).
Differs from the paper: cells in place of random projections; counted only, never rewarded. Shapes: B = observations, F = numbers.
"""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Coverage"]

NUM_BUCKETS = 2**16
CELLS_PER_STD = 2.0
FARTHEST = 64.0
"""Cells from the middle, beyond which states count as one."""
SMALLEST_STD = 1e-6
PICTURE_SIDE = 4
"""Blocks on a side of a picture."""


class Coverage:
    """Counts the cells that were visited."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        """Begin with no cell; the first observations decide how large cells are."""
        self._seen = torch.zeros(NUM_BUCKETS, dtype=torch.bool, device=device)
        self._scale = torch.empty(0, 0, device=device)

    def add(self, observation_B: Tensor) -> None:
        """Count the cells of some observations, float32 or uint8 [B, ...]."""
        number_BF = _numbers(observation_B)
        if not self._scale.numel():
            std_F = number_BF.std(dim=0, correction=0).clamp(min=SMALLEST_STD)
            self._scale = torch.stack([number_BF.mean(dim=0), std_F])
        cell_BF = ((number_BF - self._scale[0]) / self._scale[1] * CELLS_PER_STD).floor().clamp(-FARTHEST, FARTHEST).long()
        hash_B = torch.zeros(len(cell_BF), dtype=torch.int64, device=cell_BF.device)
        for number in range(cell_BF.shape[1]):
            hash_B = (hash_B * 1_000_003 + cell_BF[:, number] + 71) % 2_147_483_647
        self._seen[hash_B % NUM_BUCKETS] = True

    @property
    def count(self) -> int:
        """How many cells were visited, at most 65,536."""
        return int(self._seen.sum())

    def state(self) -> dict[str, Any]:
        """Return the cells and their size as tensors."""
        return {"seen": self._seen, "scale": self._scale}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        device = self._seen.device
        self._seen, self._scale = (state[key].to(device, copy=True) for key in ("seen", "scale"))


def _numbers(observation_B: Tensor) -> Tensor:
    """Return what is cut into cells, float32 [B, F]."""
    number = observation_B.float()
    if observation_B.dtype == torch.uint8:
        number = F.adaptive_avg_pool2d(number, PICTURE_SIDE).mean(dim=1)
    return number.flatten(1)
