"""Exponential decay: the rate falls by the same ratio in equal times, to a chosen end value.

factor = final^fraction.
"""

from typing import Literal

from pydantic import Field

from tutelage.optim.schedule.warmup import WarmedUp

__all__ = ["Exponential"]


class Exponential(WarmedUp):
    """A geometric fall from 1 to `final`."""

    kind: Literal["exponential"] = "exponential"
    final: float = Field(1e-3, gt=0, le=1, description="Factor at the end of training.")

    def after(self, progress: float) -> float:
        """Return the factor, 0 to 1, at a progress from `warmup` to 1."""
        return float(self.final ** self.fraction(progress))
