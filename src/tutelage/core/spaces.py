"""What an environment of Gymnasium shows and takes, as an agent sees it: pixels or numbers; choices or numbers between bounds."""

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Layout", "Seen", "Taken", "is_lone_picture", "lacks", "seen_in", "stacked", "taken_by"]

LEAST_SIDE = 8
"""Pixels on the shorter side from which on uint8 numbers are a picture."""
MOST_CHANNELS = 4
LONE_CHANNELS = (1, 3)
"""Channels of one picture, grey or in color; any other number is taken for pictures that are stacked already."""
Layout = Literal["numbers", "HW", "HWC", "CHW", "SHWC", "SCHW"]


@dataclass(frozen=True)
class Seen:
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


@dataclass(frozen=True)
class Taken:
    """What may be done: one of `num_choices`, or, where that is 0, numbers between `low` and `high`."""

    num_choices: int = 0
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


def seen_in(space: Any) -> Seen:
    """Return how a space of observations is seen; spaces that are no box are seen flat, as `lacks` allows."""
    from gymnasium.spaces import Box
    from gymnasium.spaces.utils import flatdim

    if not isinstance(space, Box):
        return Seen((flatdim(space),))
    sizes = tuple(int(size) for size in space.shape)
    layout = _layout(sizes) if space.dtype.name == "uint8" else "numbers"
    if layout == "HW":
        return Seen((1, *sizes), layout)
    if layout == "HWC":
        return Seen((sizes[2], *sizes[:2]), layout)
    if layout == "SHWC":
        stacked, height, width, channels = sizes
        return Seen((stacked * channels, height, width), layout)
    if layout == "SCHW":
        return Seen((sizes[0] * sizes[1], *sizes[2:]), layout)
    return Seen(sizes or (1,), layout)


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
    if len(sizes) == 4 and sizes[1] <= MOST_CHANNELS and min(sizes[2:]) >= LEAST_SIDE:
        return "SCHW"
    return "numbers"


def is_lone_picture(space: Any) -> bool:
    """Tell whether a space of observations shows one picture, in which nothing can be seen to move."""
    seen = seen_in(space)
    return seen.layout in ("HW", "HWC", "CHW") and seen.sizes[0] in LONE_CHANNELS


def stacked(space: Any, frames: int) -> Any:
    """Return the space of the last so many observations, the newest one last."""
    from gymnasium.vector.utils import batch_space

    return batch_space(space, frames) if frames > 1 else space


def taken_by(space: Any) -> Taken:
    """Return what may be done, of a space that `lacks` allows."""
    if hasattr(space, "n"):
        return Taken(int(space.n))
    low, high = (tuple(float(value) for value in side.ravel()) for side in (space.low, space.high))
    return Taken(0, low, high)


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
    elif isinstance(taken, Box) and taken.dtype.kind != "f":
        problems.append((f"actions are {taken}", "A Box of actions must hold floating-point numbers. Use Discrete for choices."))
    return problems
