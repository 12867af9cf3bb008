"""The budget is too short: training was still getting better when it ended."""

from typing import ClassVar, Literal

from tutelage.diagnosis.base import Cause, Reason
from tutelage.diagnosis.facts import Curve, Facts, Layer

__all__ = ["TooFewSteps"]

FEW, FEW_EPOCHS = 60, 3.0
"""Steps, and passes over the data, below which nothing can be said of what could be learned."""
FALLING = 0.05
"""Fraction by which a training loss has to have fallen for it to count as falling."""
MANY_EPOCHS = 20.0
"""From so many passes on, what still falls is learned by heart."""


class TooFewSteps(Cause):
    """A training that ended before it began to tell."""

    kind: Literal["too_few_steps"] = "too_few_steps"
    order: ClassVar[int] = 42
    is_for_partly: ClassVar[bool] = True

    def find(self, facts: Facts) -> Reason | None:
        """Look for very few steps, or for a loss that was still falling under the best score at the end."""
        if facts.stopped != "budget":
            return None
        counted = "1 step" if facts.steps == 1 else f"{facts.steps:,} steps"
        passes = counted + (f" ({facts.epochs:.2g} passes over the data)" if facts.epochs else "")
        if facts.steps < FEW and facts.epochs < FEW_EPOCHS:
            return self.reason(f"it made only {passes}", self._remedy(facts))
        is_falling = len(facts.losses) > 2 and facts.losses.fallen > FALLING
        if is_falling and facts.best_place == 1.0 and facts.epochs < MANY_EPOCHS:
            fell = f"the training loss was still falling ({facts.losses.start:.3g} to {facts.losses.end:.3g})"
            return self.reason(f"{fell} and the last evaluation was the best when {passes} were over", self._remedy(facts))
        return None

    def _remedy(self, facts: Facts) -> str:
        return f"Train longer: --steps {max(1_000, 10 * facts.steps)}, or leave the budget to auto."

    @classmethod
    def examples(cls) -> tuple[Facts, Facts]:
        """Return three steps, and many of them."""
        curve, layers = Curve((1, 2, 3), (1.0, 0.9, 0.8)), (Layer("model.0.weight", 64, moved=0.1),)
        flat = Curve((1, 2, 3), (1.0, 1.0, 1.0))
        return Facts(steps=3, epochs=0.1, losses=curve, layers=layers), Facts(steps=5_000, epochs=50, losses=flat, layers=layers)
