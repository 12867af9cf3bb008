"""What a training needs to know of the floor beside its network."""

from typing import Any, Protocol

__all__ = ["Companion", "Mirrors", "told", "whose"]


class Companion(Protocol):
    """A floor beside the network of a training: a plain model that was fitted in one go.

    Attributes:
        floor: Which one, a component.
        share: Of the floor in the answers that leave, from 0 to 1; 0 until it is decided.
        reason: Why the share is what it is.
        seconds: How long fitting took.
        per_row: How long an answer takes, in seconds; 0 where that is not known.
        fitted: What was fitted, a `FittedFloor`; None before.
    """

    floor: Any
    share: float
    reason: str
    seconds: float
    per_row: float
    fitted: Any

    @property
    def reserve_seconds(self) -> float:
        """What it may take at the end, when training is over, by what fitting took."""

    def fit(self) -> None:
        """Fit to the train rows, the same each time."""


class Mirrors(Protocol):
    """Averages answers with those of mirror images, where that was decided.

    Attributes:
        is_on: Whether it does.
    """

    is_on: bool

    @property
    def passes(self) -> int:
        """How often the network answers for each validation row to decide it."""

    def decide(self, task: Any) -> str:
        """Decide with the weights that leave, and return why; "" where there is nothing to decide."""

    def reserve_seconds(self, per_row: float) -> float:
        """Return what that, and measuring afterwards, take beyond what they would without, given those of one row."""

    def record(self) -> dict[str, Any]:
        """Return what result.json says of it."""


def whose(share: float) -> str:
    """Say whose answers those are in which the floor has this share."""
    return {0.0: "the network alone", 1.0: "the floor alone"}.get(share, "the mean of network and floor")


def told(companion: Companion, telling: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what result.json says of a floor, but for the scores.

    Args:
        companion: The floor.
        telling: What speaks for each class, where the floor can say so.
    """
    return {
        "kind": str(getattr(companion.floor, "kind", "")),
        "noun": companion.floor.noun,
        "share": companion.share,
        "reason": companion.reason,
        "seconds": round(companion.seconds, 2),
        "telling": telling,
    }
