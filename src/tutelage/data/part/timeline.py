"""Several series measured at the same times, at equal steps, to be continued."""

from dataclasses import dataclass
from typing import ClassVar

from tutelage.data.part.stretch import Stretch

__all__ = ["TimelinePart"]


@dataclass(frozen=True)
class TimelinePart(Stretch):
    """A stretch of time of series that are to be continued."""

    kind: ClassVar[str] = "forecast"
    suits: ClassVar[str] = "timeline"
