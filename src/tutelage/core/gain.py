"""Whether one thing is better than another by more than chance: the same rows are measured under both, and compared in pairs.

Use it wherever what costs more, or decides more, has to prove itself on held-out rows. Do not use it for rows in order of time,
of which neighbors go together: give `Gain` an error that counts that in.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol, Self

__all__ = ["Gain"]


class Differences(Protocol):
    """By how much each row is better, such as an array of numpy."""

    def __len__(self) -> int:
        """Return how many rows there are."""

    def mean(self) -> Any:
        """Return their mean."""

    def std(self, *, ddof: int) -> Any:
        """Return their standard deviation, divided by the rows less `ddof`."""


@dataclass(frozen=True, slots=True)
class Gain:
    """By how much one thing is better than another in the mean, and how sure that is.

    Attributes:
        mean: In the unit of what was measured; more is better.
        error: Its standard error; infinite where a single row says nothing of it.
    """

    mean: float
    error: float

    @classmethod
    def of(cls, differences: Differences) -> Self:
        """Return the gain of independent rows.

        Args:
            differences: By how much each row is better, one number a row.
        """
        count = len(differences)
        return cls(float(differences.mean()), float(differences.std(ddof=1)) / math.sqrt(count) if count > 1 else math.inf)

    def is_clear(self, *, errors: float, least: float = 0.0) -> bool:
        """Tell whether the gain is more than so many of its standard errors.

        Args:
            errors: How many; 2 leaves one chance in forty that nothing was gained.
            least: What the gain has to be more than as well, in its own unit.
        """
        return self.mean > max(errors * self.error, least)
