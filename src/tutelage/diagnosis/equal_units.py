"""All units of a layer are alike, as zero or constant initialization leaves them: they compute the same and learn the same."""

from typing import ClassVar, Literal

from tutelage.diagnosis.base import Cause, Reason
from tutelage.diagnosis.facts import Facts, Layer

__all__ = ["EqualUnits"]


MIN_STEPS = 20
"""Steps before which nothing is said: branches that begin at zero on purpose part in the first few."""
LEAST_LAYERS = 2
"""Units cannot part where what they feed weighs them equally too; one layer alone, such as a last one from zero, can."""


class EqualUnits(Cause):
    """A layer of several units with equal weights."""

    kind: Literal["equal_units"] = "equal_units"
    order: ClassVar[int] = 10

    def find(self, facts: Facts) -> Reason | None:
        """Look for layers whose units are alike after all of training."""
        if facts.steps < MIN_STEPS:
            return None
        alike = [layer for layer in facts.layers if layer.are_alike and layer.num_units > 1]
        if len(alike) < LEAST_LAYERS:
            return None
        weights = [layer for layer in facts.layers if layer.dead is None]
        names = ", ".join(layer.name for layer in alike[:3]) + (", ..." if len(alike) > 3 else "")
        found = f"all units of {len(alike)} of {len(weights)} layers have equal weights ({names}): they cannot differ any more"
        return self.reason(found, "Start from random weights: --set init=he, or leave init to auto.")

    @classmethod
    def examples(cls) -> tuple[Facts, Facts]:
        """Return a net that began at zero, and one of which the last layer alone did."""
        first, last = (Layer(f"model.{place}.weight", 64, are_alike=True, moved=0.1) for place in (0, 2))
        return Facts(steps=500, epochs=20, layers=(first, last)), Facts(
            steps=500, layers=(Layer("model.0.weight", 64, moved=0.1), last)
        )
