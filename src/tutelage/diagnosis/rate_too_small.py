"""The learning rate is too small: many steps, and neither the weights nor the loss have moved."""

from typing import ClassVar, Literal

from tutelage.diagnosis.base import Cause, Reason
from tutelage.diagnosis.facts import LEAST_STEPS, Curve, Facts, Layer

__all__ = ["RateTooSmall"]

STILL = 0.02
"""Of its size: a weight that moved less in all of training has not moved."""
STILL_PER_STEP = 2e-4
"""Of its size, in a step: about a thousandth is usual."""
ROUNDING = 1e-7
"""Of its size: what a weight in float32 cannot move by."""
FALLEN = 0.1
"""A loss that has fallen by a larger fraction has moved."""


class RateTooSmall(Cause):
    """Weights that have not moved."""

    kind: Literal["rate_too_small"] = "rate_too_small"
    order: ClassVar[int] = 40

    def find(self, facts: Facts) -> Reason | None:
        """Look for weights that stayed where they began, under a loss that stayed too."""
        if facts.steps < LEAST_STEPS or facts.moved >= STILL or facts.moved / facts.steps >= STILL_PER_STEP:
            return None
        if len(facts.losses) > 1 and facts.losses.fallen > FALLEN:
            return None
        loss = ""
        if len(facts.losses) > 1:
            loss = f", and the training loss stayed at {facts.losses.start:.3g} to {facts.losses.end:.3g}"
        moved = f"by more than {facts.moved:.1e} of its size" if facts.moved >= ROUNDING else "at all"
        found = f"in {facts.steps:,} steps no weight moved {moved}{loss}"
        rate = f" (it was {facts.rate:.1e})" if facts.rate else ""
        # Where a hundred times that is nothing either, no factor helps.
        larger = "ten to a hundred times larger" if 100 * facts.moved >= STILL else "of a usual size, 0.001 to 0.1"
        return self.reason(found, f"Take a learning rate {larger}{rate}: --set optim.lr=...")

    @classmethod
    def examples(cls) -> tuple[Facts, Facts]:
        """Return weights that stayed, and weights that moved."""
        flat = Curve((1, 2, 3), (1.0, 1.0, 1.0))
        return tuple(  # type: ignore[return-value]
            Facts(steps=500, losses=flat, layers=(Layer("model.0.weight", 64, moved=moved),)) for moved in (1e-5, 0.5)
        )
