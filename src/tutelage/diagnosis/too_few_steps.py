"""The budget is too short: training was still getting better when it ended."""

from typing import ClassVar, Literal

from tutelage.diagnosis.base import Cause, Reason
from tutelage.diagnosis.facts import Curve, Facts, Layer

__all__ = ["TooFewSteps"]

LEAST_ENV_STEPS = 100_000
"""What agents learn small problems in."""
MANY_EPOCHS, MANY_STEPS = 20.0, 300
"""From so many passes and steps on, what still falls is learned by heart."""


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
        counted = f"{facts.env_steps:,} environment steps" if facts.env_steps else counted
        passes = counted + (f" ({facts.epochs:.2g} passes over the data)" if facts.epochs else "")
        if facts.is_short:
            return self.reason(f"it made only {passes}", self._remedy(facts))
        if facts.was_improving and facts.env_steps:
            rose = f"its score went from {facts.scores.values[0]:.3g} to {facts.scores.values[-1]:.3g}"
            return self.reason(f"{rose} and the last evaluation was the best when {passes} were over", self._remedy(facts))
        if facts.was_improving and (facts.epochs < MANY_EPOCHS or facts.steps < MANY_STEPS):
            fell = f"the training loss was still falling ({facts.losses.start:.3g} to {facts.losses.end:.3g})"
            return self.reason(f"{fell} and the last evaluation was the best when {passes} were over", self._remedy(facts))
        return None

    def _remedy(self, facts: Facts) -> str:
        if facts.env_steps:
            return f"Train longer: --env-steps {max(LEAST_ENV_STEPS, 10 * facts.env_steps)}, or leave the budget to auto."
        return f"Train longer: --steps {max(1_000, 10 * facts.steps)}, or leave the budget to auto."

    @classmethod
    def examples(cls) -> tuple[Facts, Facts]:
        """Return three steps, and many of them."""
        curve, layers = Curve((1, 2, 3), (1.0, 0.9, 0.8)), (Layer("model.0.weight", 64, moved=0.1),)
        flat = Curve((1, 2, 3), (1.0, 1.0, 1.0))
        return Facts(steps=3, epochs=0.1, losses=curve, layers=layers), Facts(steps=5_000, epochs=50, losses=flat, layers=layers)
