"""Warm-up: what most schedules begin with, a straight rise from near 0 before their own curve begins."""

from pydantic import Field

from tutelage.optim.schedule.base import Schedule

__all__ = ["WARMUP_START", "WarmedUp"]

WARMUP_START = 0.01
"""Factor at the very start: small enough to be safe, but the first step is not thrown away."""


class WarmedUp(Schedule):
    """A schedule with a linear rise first; a subclass says in `after` what follows."""

    warmup: float = Field(0.03, ge=0, lt=1, description="Fraction of training in which the rate rises. Typical: 0 to 0.1.")

    def factor(self, progress: float) -> float:
        """Return the factor, 0 to 1, at `progress` = steps done / steps planned; beyond 1 it stays as at 1."""
        if progress < self.warmup:
            return WARMUP_START + (1 - WARMUP_START) * progress / self.warmup
        return self.after(min(progress, 1.0))

    def after(self, progress: float) -> float:
        """Return the factor, 0 to 1, at a progress from `warmup` to 1."""
        raise NotImplementedError

    def fraction(self, progress: float) -> float:
        """Return what fraction of the training after warm-up is done, 0 to 1."""
        return (progress - self.warmup) / (1 - self.warmup)
