"""Polynomial decay: falls as a power of the remaining training; between linear (1) and steep (2 and more).

factor = final + (1 - final) * (1 - fraction)^power.
"""

from typing import Literal

from pydantic import Field

from tutelage.optim.schedule.warmup import WarmedUp

__all__ = ["Polynomial"]


class Polynomial(WarmedUp):
    """A power of the training that remains."""

    kind: Literal["polynomial"] = "polynomial"
    power: float = Field(2.0, gt=0, le=100, description="Exponent: 1 is linear, higher values fall earlier.")
    final: float = Field(0.0, ge=0, le=1, description="Factor at the end of training.")

    def after(self, progress: float) -> float:
        """Return the factor, 0 to 1, at a progress from `warmup` to 1."""
        left: float = (1 - self.fraction(progress)) ** self.power
        return self.final + (1 - self.final) * left
