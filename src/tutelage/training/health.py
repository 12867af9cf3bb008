"""Looks at a recurrent network's gradients by time lag at the start, in the middle and at the end of training."""

from collections.abc import Callable, Mapping

from tutelage.core.emitter import Emitter
from tutelage.core.events import GradientByLag
from tutelage.task.base import Task
from tutelage.training.state import TrainState

__all__ = ["HealthJob"]

NEVER = 2**62


class HealthJob:
    """Measures and tells; training is the same without it.

    The start is after the first step: a head that begins at zero has no gradient before.
    """

    def __init__(
        self, emitter: Emitter, measure: Callable[[Task], Mapping[float, float]], *, step: int, total_steps: int
    ) -> None:
        """Measure from `step` on; `measure` returns nothing where there is nothing to tell."""
        self._emitter, self._measure = emitter, measure
        self._moments = {max(1, total_steps // 2): "middle", 1: "start"}
        self.next_step = self._after(step)

    def run(self, state: TrainState) -> None:
        """Tell of this moment."""
        self._tell(state, self._moments.get(self.next_step, "middle"))
        self.next_step = self._after(state.clock.step)

    def finish(self, state: TrainState) -> None:
        """Tell of the end."""
        self._tell(state, "end")

    def _after(self, step: int) -> int:
        """Return the first moment after a step."""
        return min((moment for moment in self._moments if moment > step), default=NEVER)

    def _tell(self, state: TrainState, moment: str) -> None:
        """Measure now; of several processes the first one does."""
        if not state.mesh.is_writer:
            return
        found = self._measure(state.task)
        if found:
            norms = tuple(found.values())
            self._emitter.emit(GradientByLag(step=state.clock.step, moment=moment, lags=tuple(found), norms=norms))
