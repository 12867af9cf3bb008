"""When a training stops before its budget is used up: the one rule, which trainings obey and forecasts try on drawn curves."""

import math
from typing import Self

from pydantic import Field

from tutelage.core.spec import Spec

__all__ = ["BUDGET", "PATIENCE", "TARGET", "Stopping"]

BUDGET, PATIENCE, TARGET = "budget", "patience", "target"
"""Why a training ends that nothing disturbs: its steps are made, nothing gets better, or the target is reached."""


class Stopping(Spec):
    """When to stop early, with everything decided.

    Attributes:
        metric: The validation metric that is watched, such as `val/loss`.
        greater_is_better: Its direction.
        patience: Steps without a better score after which training stops; 0 never stops early.
        min_delta: How much better a score must be to count, in the metric's unit.
        until: The score at which training stops, since it is good enough; None where none is.
    """

    metric: str = "val/loss"
    greater_is_better: bool = False
    patience: int = Field(0, ge=0)
    min_delta: float = Field(0.0, ge=0)
    until: float | None = None

    @property
    def is_fixed(self) -> bool:
        """Whether only the budget ends a training."""
        return not self.patience and self.until is None

    def fixed(self) -> Self:
        """Return the same without an end before that of the budget."""
        return self.but(patience=0, until=None)

    def gain(self, score: float, best: float | None) -> float:
        """Return by how much a score is better than the best; infinite for the first, negative for one that is not finite."""
        if not math.isfinite(score):
            return -1.0
        if best is None:
            return float("inf")
        return score - best if self.greater_is_better else best - score

    def reason(self, score: float, *, waited: float) -> str:
        """Return why training stops after an evaluation; "" where it goes on.

        Args:
            score: What the evaluation gave for the watched metric.
            waited: Steps since the last score that was better by more than `min_delta`; 0 where this one is.
        """
        if self.until is not None and self.gain(score, self.until) >= 0:
            return TARGET
        return PATIENCE if self.patience and waited >= self.patience else ""
