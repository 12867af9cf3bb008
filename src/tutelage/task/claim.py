"""A task's claim to some data."""

from dataclasses import dataclass

__all__ = ["Claim"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A task's claim to be the natural one for some data.

    Attributes:
        reason: Why, for people.
        strength: The strongest claim wins; 1 for a task that any such data call for, more for one that knows these data better.
    """

    reason: str
    strength: int = 1
