"""Constant learning rate after warm-up: for exploring, and where weights are averaged anyway.

A rate that ends near 0 nearly always ends better: see `cosine` and `linear_to_zero`.
"""

from typing import Literal

from tutelage.optim.schedule.warmup import WarmedUp

__all__ = ["Constant"]


class Constant(WarmedUp):
    """A factor of 1."""

    kind: Literal["constant"] = "constant"

    def after(self, progress: float) -> float:
        """Return the factor, 0 to 1, at a progress from `warmup` to 1."""
        return 1.0
