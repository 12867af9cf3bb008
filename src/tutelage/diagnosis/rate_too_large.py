"""The learning rate is too large: the loss grows or leaps, and weights are thrown far away, or had to be put back."""

from typing import ClassVar, Literal

from tutelage.diagnosis.base import Cause, Reason
from tutelage.diagnosis.facts import Curve, Facts, Layer

__all__ = ["RateTooLarge"]

GROWN = 1.3
"""Times its beginning from which a training loss has grown."""
LEAPT = 10.0
"""Times its beginning from which a training loss has leapt, even where it came down again."""
LEAST_POINTS = 5
"""With fewer, a loss that has grown is noise."""
THROWN = 30.0
"""Times its own size from which a weight was thrown rather than moved."""


class RateTooLarge(Cause):
    """A training loss that grows."""

    kind: Literal["rate_too_large"] = "rate_too_large"
    order: ClassVar[int] = 30
    is_for_partly: ClassVar[bool] = True

    def find(self, facts: Facts) -> Reason | None:
        """Look for a loss that grew or leapt, weights that were thrown, or such that had to be put back."""
        # A run that is partly better has learned something at its rate: only what stopped it counts.
        found = [] if facts.is_partly_better else [*self._of_loss(facts.losses), *self._of_weights(facts)]
        if facts.rollbacks:
            times = "once" if facts.rollbacks == 1 else f"{facts.rollbacks} times"
            found.append(f"training diverged {times}, and went on at a lower rate")
        if not found:
            return None
        rate = f" (it was {facts.rate:.1e})" if facts.rate else ""
        return self.reason(" and ".join(found), f"Take a learning rate ten times smaller{rate}: --set optim.lr=...")

    def _of_loss(self, losses: Curve) -> list[str]:
        if len(losses) < LEAST_POINTS or losses.values[0] <= 0:
            return []
        first = losses.values[0]
        if losses.end > GROWN * first:
            return [f"the training loss grew from {first:.3g} to {losses.end:.3g}"]
        if losses.highest > LEAPT * first:
            return [f"the training loss leapt from {first:.3g} to {losses.highest:.3g} on the way"]
        return []

    def _of_weights(self, facts: Facts) -> list[str]:
        if not THROWN < facts.moved < float("inf"):
            return []
        layer = max(facts.layers, key=lambda layer: layer.moved)
        return [f"{layer.name} was moved by {layer.moved:,.0f} times its size"]

    @classmethod
    def examples(cls) -> tuple[Facts, Facts]:
        """Return a loss that grew, and one that fell."""
        rising, falling = (Curve(tuple(range(6)), (1.0, 2.0, 3.0, 4.0, 5.0, last)) for last in (9.0, 0.9))
        layers = (Layer("model.0.weight", 64, moved=1.0),)
        return Facts(steps=500, losses=rising, layers=layers), Facts(steps=500, losses=falling, layers=layers)
