"""Cosine decay: slow at first, fast in the middle, slow at the end; the usual choice.

factor = final + (1 - final) * (1 + cos(pi * fraction)) / 2.

Source: "SGDR: Stochastic Gradient Descent with Warm Restarts", Loshchilov and Hutter 2016, arXiv 1608.03983, eq. 5.
Differs from the paper: no restarts.
"""

import math
from typing import Literal

from pydantic import Field

from tutelage.optim.schedule.warmup import WarmedUp

__all__ = ["Cosine"]


class Cosine(WarmedUp):
    """Half a cosine wave from 1 to `final`."""

    kind: Literal["cosine"] = "cosine"
    final: float = Field(0.0, ge=0, le=1, description="Factor at the end of training.")

    def after(self, progress: float) -> float:
        """Return the factor, 0 to 1, at a progress from `warmup` to 1."""
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * self.fraction(progress))) / 2
