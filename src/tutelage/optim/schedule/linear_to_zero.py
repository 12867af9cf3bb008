"""Linear decay to zero, if wanted after a hold at the full rate: hard to beat when the budget is known.

factor = 1 during the hold, then (1 - progress) / (1 - warmup - hold).

Source: "Straight to Zero: Why Linearly Decaying the Learning Rate to Zero Works Best for LLMs", Bergsma et al. 2025,
arXiv 2502.15938.
Differs from the paper: the hold.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from tutelage.optim.schedule.warmup import WarmedUp

__all__ = ["LinearToZero"]


class LinearToZero(WarmedUp):
    """A straight line from 1 to 0."""

    kind: Literal["linear_to_zero"] = "linear_to_zero"
    hold: float = Field(
        0.0, ge=0, lt=1, description="Fraction of training at the full rate, after warm-up, before the decay begins."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """Refuse fractions that leave nothing to decay in."""
        if self.warmup + self.hold >= 1:
            raise ValueError(f"warmup {self.warmup} + hold {self.hold} leave no training for the decay; together below 1")
        return self

    def after(self, progress: float) -> float:
        """Return the factor, 0 to 1, at a progress from `warmup` to 1."""
        begin = self.warmup + self.hold
        return 1.0 if progress <= begin else (1 - progress) / (1 - begin)
