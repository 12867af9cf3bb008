"""All units of a layer with rectifiers are dead: they answer 0 to every row, and no gradient comes through."""

from typing import ClassVar, Literal

from tutelage.diagnosis.base import Cause, Reason
from tutelage.diagnosis.facts import Facts, Layer

__all__ = ["DeadUnits"]

ALL = 0.98
"""Fraction of dead units from which nothing gets through any more: a few alive carry next to nothing."""


class DeadUnits(Cause):
    """A layer of rectifiers that are all closed."""

    kind: Literal["dead_units"] = "dead_units"
    order: ClassVar[int] = 20

    def find(self, facts: Facts) -> Reason | None:
        """Look for layers that answer 0 to every row."""
        dead = [layer for layer in facts.layers if layer.dead is not None and layer.dead >= ALL]
        if not dead:
            return None
        name, fraction = dead[0].name, dead[0].dead
        found = f"{fraction:.0%} of the units of {name} answer 0 to every row, so that no gradient comes through"
        rate = f" (it was {facts.rate:.1e})" if facts.rate else ""
        return self.reason(
            found, f"Take a smaller learning rate{rate}, or rectifiers that do not die: --set model.activation=gelu."
        )

    @classmethod
    def examples(cls) -> tuple[Facts, Facts]:
        """Return a layer that is dead, and one of which the half is, which is as usual."""
        return tuple(Facts(steps=500, layers=(Layer("model.1", 64, moved=1.0, dead=part),)) for part in (1.0, 0.5))  # type: ignore[return-value]
