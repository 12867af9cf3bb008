"""Watches a training for numbers from which nothing can be learned, tells of refused updates, and lets it be put back.

When it looks follows from the number of steps alone, never from a clock: where a training is put back or ends, and so which
weights are its best ones, is the same each time.
"""

import math
from collections.abc import Callable, Mapping

from tutelage.core.emitter import Emitter
from tutelage.core.events import Divided, Refused
from tutelage.training.refused_batch import explain
from tutelage.training.rollback import roll_back
from tutelage.training.state import TrainState

__all__ = ["DivergenceJob"]

EVERY_ON_DEVICE = 4
"""Steps between two looks where only the device knows what it has refused: each costs the host some microseconds."""
MOST_IN_A_ROW = 3
"""Refused steps in a row after which the weights are to blame, and no longer a batch."""
FAR, FAR_LINES = 10.0, 5
"""A loss so many times that of the untrained model, in so many log lines in a row, is far from anything that was learned."""
EXPLODED = 1000.0
"""A loss so many times that of the untrained model is an explosion at once."""
LEAST_LOSS = 1.0
"""Losses are of this size where nothing is learned: targets are standardized, and classes cost their logarithm."""
MOST_TOLD = 5
"""Refusals that are looked into and told one by one; later ones are told by the power of ten."""


class DivergenceJob:
    """Tells of refused updates and rolls a diverged training back: after the very step on a CPU, some steps later on a device."""

    def __init__(
        self,
        emitter: Emitter,
        *,
        step: int,
        num_micro: int = 1,
        say_row: Callable[[int], str] = lambda row: f"row {row + 1} of the train part",
    ) -> None:
        """Look from `step` on.

        Args:
            emitter: Is told.
            step: Where this process begins.
            num_micro: Parts of a batch there, of which an earlier process has told.
            say_row: Names a row of the train part.
        """
        self.next_step = step + 1
        self._emitter, self._say_row = emitter, say_row
        self._last_look = self._last_line = step
        self._num_told = -1
        self._num_micro = num_micro
        self._reason = ""

    def run(self, state: TrainState) -> None:
        """Look at what was refused, and at the memory.

        Raises:
            DivergedError: It was put back often enough; the best weights so far are still in the state.
        """
        step, every = state.clock.step, 1 if state.step.knows_at_once else EVERY_ON_DEVICE
        self.next_step = step + 1
        if state.step.num_micro != self._num_micro:
            self._tell_divided(state)
        if step > 1 and step % every:
            # Also the first step of a resumed process: an undisturbed one would not look here, and that may put weights back.
            return
        if step == 1:
            state.control = state.control.measured_first(_first_loss(state))
        total, in_a_row = state.refusals.look()
        if self._num_told < 0:
            # What earlier processes have refused they have told.
            self._num_told = total - min(total, in_a_row)
        if total > self._num_told:
            self._tell_refused(state, total)
        if in_a_row >= MOST_IN_A_ROW:
            found = f"{in_a_row} updates in a row had a loss or a gradient that is not finite"
            found += f" ({self._reason})" if self._reason else ""
            roll_back(state, found, emitter=self._emitter, after=step - in_a_row)
        self._last_look = step

    def look_at_line(self, state: TrainState, means: Mapping[str, float]) -> None:
        """Judge the means of a regular log line: they follow from the number of steps alone.

        Raises:
            DivergedError: It was put back often enough; the best weights so far are still in the state.
        """
        after, self._last_line = self._last_line, state.clock.step
        losses = {name: abs(value) for name, value in means.items() if _is_loss(name)}
        if not losses or not state.task.has_steady_loss:
            return
        largest = max(losses, key=lambda name: losses[name] if math.isfinite(losses[name]) else math.inf)
        height = losses[largest] / max(LEAST_LOSS, state.control.first_loss)
        # Where several phases work against each other, the loss of one rises for long because another's falls.
        is_far = not height <= FAR and len(state.step.updates) == 1
        state.control = state.control.seen_far(is_far=is_far)
        if not height <= EXPLODED or state.control.far_lines >= FAR_LINES:
            found = f"{largest} = {means[largest]:.4g}, and it was {state.control.first_loss:.4g} before anything was learned"
            roll_back(state, found, emitter=self._emitter, after=after)

    def _tell_divided(self, state: TrainState) -> None:
        """Tell that steps are made in more micro-batches than before."""
        self._num_micro = state.step.num_micro
        caveat = " Batch normalization sees these smaller parts." if state.step.has_batch_norm else ""
        message = (
            f"step {state.clock.step:,}: the batch did not fit into the memory; from here on it is computed in {self._num_micro} "
            f"parts. The gradient is the same but for rounding, and for what layers such as dropout draw at random.{caveat}"
        )
        self._emitter.emit(Divided(step=state.clock.step, num_micro=self._num_micro, message=message))

    def _tell_refused(self, state: TrainState, total: int) -> None:
        """Tell of updates that were refused since the last look, each of the first few with its cause."""
        step, before, self._num_told = state.clock.step, self._num_told, total
        if before >= MOST_TOLD and int(math.log10(total)) == int(math.log10(before)):
            return
        self._reason = state.mesh.first_word(self._explained(state)) or self._reason
        where = f"step {step:,}" if state.step.knows_at_once else f"steps {self._last_look:,} to {step:,}"
        why = f": {self._reason}" if self._reason else ""
        told = f"{where}: the update was not made ({total} so far), since a loss or a gradient was not finite{why}."
        more = " Further ones are told at 10, 100, 1000 ..." if before < MOST_TOLD <= total else ""
        message = f"{told} Weights and averages stay as they were.{more}"
        self._emitter.emit(Refused(step=step, num_refused=total, message=message))

    def _explained(self, state: TrainState) -> str:
        """Say what this process finds in its part of the batch; "" where the batch is gone.

        Nor is it asked where weights are split: each forward pass then exchanges them, and every process looks at other rows.
        """
        if state.step.evidence is None or any(update.is_split for update in state.step.updates.values()):
            return ""
        phase, batch = state.step.evidence
        rows = state.stream.row_numbers()

        def say_row(place: int) -> str:
            is_known = rows is not None and len(rows) == len(next(iter(batch.values())))
            return self._say_row(int(rows[place])) if is_known and rows is not None else f"row {place + 1} of the batch"

        return explain(state.task, state.step.updates[phase], batch, say_row=say_row)


def _first_loss(state: TrainState) -> float:
    """Return the size of the loss of the first batch, the largest of all phases; 0 where it was refused."""
    means = state.ledger.means(state.mesh)
    return max((abs(value) for name, value in means.items() if _is_loss(name) and math.isfinite(value)), default=0.0)


def _is_loss(name: str) -> bool:
    """Tell whether a mean of the ledger is that of a phase's loss."""
    return name.rpartition("/")[2] == "loss"
