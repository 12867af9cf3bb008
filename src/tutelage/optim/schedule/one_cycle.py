"""One cycle: the rate climbs for a good part of training and then falls to almost nothing; for short, hot runs.

Half cosine waves from 1 / 25 up to 1, then down to `final`. It allows learning rates far above the usual.

Source: "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates", Smith and Topin 2017,
arXiv 1708.07120, section 4.
Differs from the paper: cosine in place of straight lines; momentum is not cycled.
"""

import math
from typing import Literal

from pydantic import Field

from tutelage.optim.schedule.base import Schedule

__all__ = ["OneCycle"]


class OneCycle(Schedule):
    """One rise and one fall."""

    kind: Literal["one_cycle"] = "one_cycle"
    warmup: float = Field(0.3, gt=0, lt=1, description="Fraction of training in which the rate rises. Typical: 0.2 to 0.45.")
    start: float = Field(0.04, ge=0, le=1, description="Factor at the start.")
    final: float = Field(1e-4, ge=0, le=1, description="Factor at the end of training.")

    def factor(self, progress: float) -> float:
        """Return the factor, 0 to 1, at `progress` = steps done / steps planned; beyond 1 it stays as at 1."""
        if progress < self.warmup:
            return 1 - (1 - self.start) * _fall(progress / self.warmup)
        return self.final + (1 - self.final) * _fall((min(progress, 1.0) - self.warmup) / (1 - self.warmup))


def _fall(fraction: float) -> float:
    """Return half a cosine wave from 1 at 0 to 0 at 1."""
    return (1 + math.cos(math.pi * fraction)) / 2
