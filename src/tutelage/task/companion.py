"""What a training needs to know of the floor beside its network."""

from typing import Any, Protocol

__all__ = ["Companion", "whose"]


class Companion(Protocol):
    """A floor beside the network of a training: a plain model that was fitted in one go.

    Attributes:
        floor: Which one, a component.
        share: Of the floor in the answers that leave, from 0 to 1; 0 until it is decided.
        seconds: How long fitting took.
        fitted: What was fitted, a `FittedFloor`; None before.
    """

    floor: Any
    share: float
    seconds: float
    fitted: Any

    @property
    def reserve_seconds(self) -> float:
        """What it may take at the end, when training is over, by what fitting took."""

    def fit(self) -> None:
        """Fit to the train rows, the same each time."""


def whose(share: float) -> str:
    """Say whose answers those are in which the floor has this share."""
    return {0.0: "the network alone", 1.0: "the floor alone"}.get(share, "the mean of network and floor")
