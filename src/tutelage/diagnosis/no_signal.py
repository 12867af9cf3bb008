"""The features tell nothing of the target: training went well, and the train rows themselves are no better than a guess."""

from typing import ClassVar, Literal

from tutelage.diagnosis.base import Cause, Reason
from tutelage.diagnosis.facts import Facts, Layer

__all__ = ["NoSignal"]

MOVED = 0.02
"""Of its size: a weight that moved by more was trained."""
LEAST_EPOCHS = 3.0


class NoSignal(Cause):
    """Nothing to be learned from these features."""

    kind: Literal["no_signal"] = "no_signal"
    order: ClassVar[int] = 70
    is_alone: ClassVar[bool] = True
    needs_steps: ClassVar[bool] = True

    def find(self, facts: Facts) -> Reason | None:
        """Look for weights that moved as they should, for many steps, to no avail even on the train rows."""
        learned = facts.fits_train or facts.signal
        if not facts.train or learned or facts.epochs < LEAST_EPOCHS or not MOVED < facts.moved < float("inf"):
            return None
        found = (
            f"even the train rows are no better than a guess ({facts.train}) after {facts.steps:,} steps, and nothing was seen "
            "to be wrong with the training itself"
        )
        return self.reason(
            found,
            "The features seem to tell nothing of the target: look whether the labels belong to their rows, whether the target "
            "column is the right one, and whether a column that matters is missing or was left out.",
        )

    @classmethod
    def examples(cls) -> tuple[Facts, Facts]:
        """Return a training that moved, and one that did not."""
        return tuple(  # type: ignore[return-value]
            Facts(steps=500, epochs=20, train="accuracy 0.34, a guess 0.33", layers=(Layer("model.0.weight", 64, moved=moved),))
            for moved in (0.5, 1e-4)
        )
