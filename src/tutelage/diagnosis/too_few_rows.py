"""There is next to nothing to learn from: a handful of train rows, which no settings make up for."""

from typing import ClassVar, Literal

from tutelage.diagnosis.base import Cause, Reason
from tutelage.diagnosis.facts import Facts

__all__ = ["TooFewRows"]

LEAST_ROWS = 10
"""With fewer, chance decides what is learned, whatever the training."""


class TooFewRows(Cause):
    """A training on a handful of rows."""

    kind: Literal["too_few_rows"] = "too_few_rows"
    order: ClassVar[int] = 41

    def find(self, facts: Facts) -> Reason | None:
        """Look for fewer train rows than anything can be learned from."""
        if not 0 < facts.num_train < LEAST_ROWS:
            return None
        rows = "1 row" if facts.num_train == 1 else f"{facts.num_train} rows"
        remedy = "Give more data: some hundred rows or times tell what holds for others too. A longer training does not help."
        return self.reason(f"there are only {rows} to learn from (of series: windows)", remedy)

    @classmethod
    def examples(cls) -> tuple[Facts, Facts]:
        """Return four rows, and a hundred."""
        four, hundred = (Facts(steps=500, epochs=125, num_train=count) for count in (4, 100))
        return four, hundred
