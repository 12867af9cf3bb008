"""What every metric is: one number over a whole part of the data, gathered batch by batch, process by process.

A metric hands out tallies. A tally takes outcomes in any cut and any order, takes in what another process saw, and gives
the value; it keeps sums where sums are enough, and says how many bytes a row it keeps where they are not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, Self

import numpy as np

from tutelage.core.spec import Component

__all__ = ["Form", "Metric", "Outcome", "Tally"]

Form = Literal["number", "percent", "fraction"]
"""How a metric is written: 0.0123, 1.2 %, or 0.012."""


@dataclass(frozen=True)
class Outcome:
    """Predictions beside the truth, for rows.

    Attributes:
        prediction: Probabilities float64 [N, C] for classes (rows sum to 1), or float64 [N] for numbers, in the target's unit.
        target: Class numbers int64 [N], or float64 [N] in the target's unit.
        weight: float64 [N], >= 0, or None for equal weights; a row of weight 2 counts as the row twice.
    """

    prediction: np.ndarray
    target: np.ndarray
    weight: np.ndarray | None = None


class Tally(Protocol):
    """What a metric keeps of what it has seen."""

    def add(self, outcome: Any) -> None:
        """Take a batch, which may be empty."""

    def merge(self, other: Self) -> None:
        """Take what another tally of an equal metric saw of other rows."""

    def value(self) -> float:
        """Return the metric over everything seen; NaN where it is not defined, or before anything was seen."""

    def state(self) -> dict[str, np.ndarray]:
        """Return everything kept, as arrays of numbers, to be saved or sent to another process."""

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Put what `state` returned in place of what is kept."""


class Metric(Component):
    """A metric; its name in results is its file name, such as `test/accuracy`.

    Attributes:
        title: What people call it; it may follow the name of a part, as in `test accuracy`.
        form: How it is written.
        greater_is_better: Its direction.
        answers: The kind of answers it judges: `classes`, `numbers`, `tokens`, `samples`, `episodes` ...
        also_answers: Further kinds that it can judge.
        unit: `target` where it is in the target's unit, else "".
        noise_raises: Whether noise alone raises it, so that the values of resamples, which are noisier, lie too high.
        most_resamples: For its interval; fewer where it is slow.
    """

    family: ClassVar[str] = "metric"
    title: ClassVar[str]
    form: ClassVar[Form] = "number"
    greater_is_better: ClassVar[bool] = True
    answers: ClassVar[str] = "classes"
    also_answers: ClassVar[tuple[str, ...]] = ()
    unit: ClassVar[Literal["", "target"]] = ""
    noise_raises: ClassVar[bool] = False
    most_resamples: ClassVar[int] = 1_000

    @classmethod
    def measures(cls, answers: str) -> bool:
        """Tell whether it can judge answers of a kind."""
        return answers in (cls.answers, *cls.also_answers)

    def tally(self) -> Tally:
        """Return a tally that has seen nothing yet."""
        raise NotImplementedError

    def compute(self, outcome: Any) -> float:
        """Return the metric of one outcome that holds everything; NaN where it is not defined."""
        tally = self.tally()
        tally.add(outcome)
        return tally.value()

    def refusal(self, num_classes: int | None) -> str:
        """Return why the metric, with its settings, does not fit the data, and what to do; "" where it fits.

        Args:
            num_classes: How many classes there are; None where there are none.
        """
        return ""

    @classmethod
    def noise(cls, value: float, *, num_rows: int) -> float:
        """Return about the standard error of a value over so many independent rows; 0 where that is not known."""
        return 0.0

    @classmethod
    def examples(cls, seed: int) -> Any:
        """Return an outcome of the kind that it judges, to try it on; a dataclass of arrays whose first dimension can be cut."""
        raise NotImplementedError
