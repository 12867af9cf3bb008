"""What a Gymnasium environment shows and takes, as an agent sees it: pixels or numbers; choices or numbers between bounds.

Shapes: N = copies.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from tutelage.env.actions import Actions

__all__ = ["Observations", "actions_of", "lacks", "observations_of"]

LEAST_SIDE = 8
"""Pixels on the shorter side from which on uint8 numbers are a picture."""
MOST_CHANNELS = 4
Layout = Literal["numbers", "HW", "HWC", "CHW", "SHWC"]


@dataclass(frozen=True)
class Observations:
    """How an environment's observations become a network's input.

    Attributes:
        sizes: Of one observation as the network takes it: numbers as they are, pixels as (channels, height, width).
        layout: How pixels lie in what the environment shows; S are pictures stacked over time.
    """

    sizes: tuple[int, ...]
    layout: Layout = "numbers"

    @property
    def are_pixels(self) -> bool:
        """Whether they are pictures, uint8."""
        return self.layout != "numbers"

    def tensor(self, observation: np.ndarray) -> Tensor:
        """Return float32 [N, *sizes], or uint8 for pixels, in memory of its own."""
        if self.layout == "numbers":
            return torch.from_numpy(np.array(observation, dtype=np.float32)).view(len(observation), *self.sizes)
        if self.layout == "HWC":
            observation = np.moveaxis(observation, -1, 1)
        elif self.layout == "SHWC":
            observation = np.moveaxis(observation, -1, 2)
        return torch.from_numpy(np.array(observation, dtype=np.uint8, order="C")).view(len(observation), *self.sizes)


def observations_of(space: Any) -> Observations:
    """Return how a space of observations is seen; spaces that are no box are seen flat, as `lacks` allows."""
    from gymnasium.spaces import Box
    from gymnasium.spaces.utils import flatdim

    if not isinstance(space, Box):
        return Observations((flatdim(space),))
    sizes = tuple(int(size) for size in space.shape)
    layout = _layout(sizes) if space.dtype == np.uint8 else "numbers"
    if layout == "HW":
        return Observations((1, *sizes), layout)
    if layout == "HWC":
        return Observations((sizes[2], *sizes[:2]), layout)
    if layout == "SHWC":
        stacked, height, width, channels = sizes
        return Observations((stacked * channels, height, width), layout)
    return Observations(sizes or (1,), layout)


def _layout(sizes: tuple[int, ...]) -> Layout:
    """Tell how pixels lie, from their sizes."""
    if len(sizes) == 2 and min(sizes) >= LEAST_SIDE:
        return "HW"
    if len(sizes) == 3 and sizes[2] <= MOST_CHANNELS and min(sizes[:2]) >= LEAST_SIDE:
        return "HWC"
    if len(sizes) == 3 and min(sizes[1:]) >= LEAST_SIDE:
        return "CHW"
    if len(sizes) == 4 and sizes[3] <= MOST_CHANNELS and min(sizes[1:3]) >= LEAST_SIDE:
        return "SHWC"
    return "numbers"


def actions_of(space: Any) -> Actions:
    """Return what may be done, of a space that `lacks` allows."""
    if hasattr(space, "n"):
        return Actions(int(space.n))
    low, high = (tuple(float(value) for value in np.ravel(side)) for side in (space.low, space.high))
    return Actions(0, low, high)


def lacks(observed: Any, taken: Any) -> list[tuple[str, str]]:
    """Return what an agent cannot learn from yet: what was found, and what to do."""
    from gymnasium.spaces import Box, Discrete

    problems = []
    if not getattr(observed, "is_np_flattenable", False):
        remedy = "Observations must be a Box, or flatten to one: Discrete, MultiDiscrete, MultiBinary, Tuple, Dict."
        problems.append((f"observations are {observed}", remedy))
    if not isinstance(taken, Discrete | Box):
        remedy = "Actions must be Discrete, or a Box with bounds. Wrap the environment: gymnasium.wrappers.TransformAction."
        problems.append((f"actions are {taken}", remedy))
    elif isinstance(taken, Box) and not taken.is_bounded("both"):
        remedy = "Each number needs a lowest and a highest value. Wrap the environment: gymnasium.wrappers.RescaleAction."
        problems.append((f"actions are {taken}, without bounds", remedy))
    elif isinstance(taken, Box) and not np.issubdtype(taken.dtype, np.floating):
        problems.append((f"actions are {taken}", "A Box of actions must hold floating-point numbers. Use Discrete for choices."))
    return problems
