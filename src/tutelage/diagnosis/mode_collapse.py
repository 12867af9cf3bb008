"""The generator makes too much the same: its samples spread less than the data, or most of the data have none near."""

from typing import ClassVar, Literal

from tutelage.diagnosis.base import Cause, Reason
from tutelage.diagnosis.facts import Facts
from tutelage.diagnosis.rivalry import LEAST_COVERAGE, LEAST_WIDTH

__all__ = ["ModeCollapse"]


class ModeCollapse(Cause):
    """Samples that are too much alike."""

    kind: Literal["mode_collapse"] = "mode_collapse"
    order: ClassVar[int] = 26
    needs_steps: ClassVar[bool] = True
    is_for_partly: ClassVar[bool] = True

    def find(self, facts: Facts) -> Reason | None:
        """Look for samples that spread too little, or leave most of the data out."""
        if facts.width is None or (facts.width >= LEAST_WIDTH and (facts.covered is None or facts.covered >= LEAST_COVERAGE)):
            return None
        covered = "" if facts.covered is None else f", and {facts.covered:.0%} of the real samples have one near"
        return self.reason(
            f"mode collapse: generated samples spread {facts.width:.0%} as far as real ones{covered}",
            "Train longer; keep the relativistic game with its penalties (--set task.game=relativistic), make these larger "
            "(--set task.game.gamma=...), or the learning rate smaller (--set optim.lr=...).",
        )

    @classmethod
    def examples(cls) -> tuple[Facts, Facts]:
        """Return samples of one mode, and samples of all that are not yet near enough."""
        return Facts(steps=500, epochs=10, width=0.2, covered=0.1), Facts(steps=500, epochs=10, width=0.9, covered=0.4)
