"""What the loop asks for, whatever is trained: batches, and measures; not a component."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor

from tutelage.core.events import Event
from tutelage.task.objective import Batch

if TYPE_CHECKING:
    from tutelage.task.base import Task

__all__ = ["Evaluator", "Stream"]


class Stream(Protocol):
    """Where batches come from; one that has something to log itself gives it by `metrics() -> dict[str, float]`.

    Attributes:
        epoch_size: Samples in one pass over the data; 0 where there is no end.
        batch_size: Samples in the last batch, over all processes that share it; known without asking them.
    """

    epoch_size: int
    batch_size: int

    def next(self) -> Batch:
        """Return the next batch, on the training device."""

    def row_numbers(self) -> Tensor | None:
        """Return the numbers of the last batch's rows, int64 [B], in its order; None where it holds no rows of a data set."""

    def renew(self) -> None:
        """Drop what came of weights that have just been put back; rows of a data set stay what they are."""

    def observe(self, report: Any) -> None:
        """Take note of the step that the last batch led to."""

    def state(self) -> dict[str, Any]:
        """Return tensors and JSON values from which the stream goes on exactly."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""


class Evaluator(Protocol):
    """Measures a task on one part of the data, or in environments of its own."""

    @property
    def name(self) -> str:
        """The part's name, which begins the metrics' names, such as `val`."""

    def __len__(self) -> int:
        """Return how many rows, or episodes, one evaluation looks at."""

    def __call__(self, task: "Task") -> dict[str, float]:
        """Return each metric by name, such as `val/accuracy`."""

    def some(self, count: int) -> "Evaluator":
        """Return what measures about so many of the rows, or itself where it cannot tell fewer from all."""

    def ready(self) -> None:
        """Do what is done once, before the first evaluation: so that a timed one is like all others."""

    def guess(self) -> Mapping[str, float]:
        """Return what a trivial predictor reaches, by the names of the metrics; empty where there is none."""

    def final(self, task: "Task") -> dict[str, Any]:
        """Return what result.json says about this part.

        `metrics`, `intervals` (95 %) and `baseline` (a trivial predictor) by metric name; and whatever the task's report
        sections show, such as `confusion` or `worst`.
        """

    def events(self, task: "Task", *, step: int) -> Sequence[Event]:
        """Return what is worth telling at an evaluation beside the metrics, such as samples that the task made."""
