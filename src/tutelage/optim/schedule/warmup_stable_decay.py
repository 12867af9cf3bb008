"""Warm-up, stable, decay: the full rate for most of training and a quick fall at the end; easy to prolong.

The decay is a straight line or 1 - sqrt(fraction), which falls faster at first and is a little better in the source.

Source: "Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations", Haegele et al. 2024, arXiv 2405.18392, eq. 1.
Differs from the paper: none.
"""

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from tutelage.optim.schedule.warmup import WarmedUp

__all__ = ["WarmupStableDecay"]


class WarmupStableDecay(WarmedUp):
    """A plateau with a steep end."""

    kind: Literal["warmup_stable_decay"] = "warmup_stable_decay"
    decay: float = Field(0.2, gt=0, le=1, description="Fraction of training, at its end, in which the rate falls.")
    shape: Literal["sqrt", "linear"] = Field("sqrt", description="Curve of the fall.")
    final: float = Field(0.0, ge=0, le=1, description="Factor at the end of training.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """Refuse a rise and a fall that overlap."""
        if self.warmup + self.decay > 1:
            raise ValueError(f"warmup {self.warmup} + decay {self.decay} is more than the whole training; together at most 1")
        return self

    def after(self, progress: float) -> float:
        """Return the factor, 0 to 1, at a progress from `warmup` to 1."""
        fallen = min(max(0.0, (progress - (1 - self.decay)) / self.decay), 1.0)
        left = 1 - (math.sqrt(fallen) if self.shape == "sqrt" else fallen)
        return self.final + (1 - self.final) * left
