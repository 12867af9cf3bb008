"""When a training stops before its budget is used up: the one rule, which trainings obey and forecasts try on drawn curves."""

import math
from typing import Self

from pydantic import Field

from tutelage.core import catalog
from tutelage.core.spec import Spec

__all__ = ["BUDGET", "PATIENCE", "TARGET", "Stopping"]

BUDGET, PATIENCE, TARGET = "budget", "patience", "target"
"""Why a training ends that nothing disturbs: its steps are made, nothing gets better, or the target is reached."""
WORTH_WAITING = 0.5
"""Standard errors of the score below which a gain is not waited for: other rows would change it more than that.

No test of significance: on the same rows two evaluations differ by far less noise, measured 0.02 to 0.04 of these errors.
"""


class Stopping(Spec):
    """When to stop early, with everything decided.

    Attributes:
        metric: The validation metric that is watched, such as `val/loss`.
        greater_is_better: Its direction.
        patience: Steps without a better score after which training stops, or its cooldown begins; 0 never stops early.
        min_delta: How much better a score must be to count, in the metric's unit.
        noise_rows: Rows of the part that is watched, over which half the score's standard error is the least gain that counts;
            0 = any counts.
        cooldown: Steps in which the learning rate falls to zero once patience has run out; 0 stops at once.
        until: The score at which training stops, since it is good enough; None where none is.
    """

    metric: str = "val/loss"
    greater_is_better: bool = False
    patience: int = Field(0, ge=0)
    min_delta: float = Field(0.0, ge=0)
    noise_rows: int = Field(0, ge=0)
    cooldown: int = Field(0, ge=0)
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

    def counts(self, score: float, last: float | None) -> bool:
        """Tell whether a score is enough better than the last one that counted; the first always does, if it is finite."""
        return self.gain(score, last) > (0.0 if last is None else self._least_gain(last))

    def _least_gain(self, score: float) -> float:
        """Return by how much another score has to be better than this one to count."""
        if not self.noise_rows:
            return self.min_delta
        metric = catalog.load("metric", self.metric.rpartition("/")[2])
        return max(self.min_delta, WORTH_WAITING * float(metric.noise(score, num_rows=self.noise_rows)))

    def reason(self, score: float, *, waited: float) -> str:
        """Return why training stops after an evaluation, or cools down where it is patience; "" where it goes on.

        Args:
            score: What the evaluation gave for the watched metric.
            waited: Steps since the last score that counted; 0 where this one does.
        """
        if self.until is not None and self.gain(score, self.until) >= 0:
            return TARGET
        return PATIENCE if self.patience and waited >= self.patience else ""
