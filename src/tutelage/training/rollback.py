"""What follows where training diverged: the last good weights are put back, at a smaller rate; a few times, then it ends.

Weights go back, time does not: steps, data and schedule go on, so the batches that did it are not met again in the same state,
and no clock has a say. Moments begin anew, at a rate that rises from near zero. Good weights are those of the last evaluation
that was in order (`note_good`), at first those of the beginning.
"""

from tutelage.core.emitter import Emitter
from tutelage.core.errors import DivergedError
from tutelage.core.events import RolledBack
from tutelage.training.finite import are_finite
from tutelage.training.state import TrainState, copy_weights

__all__ = ["MOST_ROLLBACKS", "diverged", "is_sound", "note_good", "roll_back"]

MOST_ROLLBACKS = 3
"""Times that a training is put back before it ends: then the rate is an eighth, and something else is the cause."""


def is_sound(state: TrainState) -> bool:
    """Tell whether what began finite is so in every process: weights, averages, running statistics; and moments."""
    weights = state.step.checked_parameters
    moments = [part for update in state.step.updates.values() for part in update.state_tensors()]
    return not state.mesh.total(int(not are_finite([*weights, *state.step.checked_buffers, *moments])))


def note_good(state: TrainState, *, is_best: bool) -> None:
    """Keep the present weights as those to go back to, unless something is already wrong with them."""
    if state.control.far_lines or state.refusals.in_a_row:
        return
    state.good = state.best if is_best else copy_weights(state.task.state_dict())
    state.control = state.control.at_good(state.clock.step)


def roll_back(state: TrainState, found: str, *, emitter: Emitter, after: int) -> None:
    """Put the good weights back.

    Args:
        state: The training; it is changed in place.
        found: What was found.
        emitter: Is told.
        after: The step after which all was still well.

    Raises:
        DivergedError: It was put back often enough; the best weights so far are still in the state.
    """
    step, control = state.clock.step, state.control
    if len(control.rollbacks) >= MOST_ROLLBACKS:
        raise diverged(found, after=after, step=step, rollbacks=len(control.rollbacks))
    state.task.load_state_dict(state.good)
    # Running statistics differ between processes; those of the first one are saved.
    state.mesh.spread_([buffer for buffer in state.task.buffers() if buffer.is_floating_point()])
    for update in state.step.updates.values():
        update.begin_anew()
    state.ledger.clear()
    state.refusals.forget_row()
    state.control = control.rolled_back(step)
    state.stream.renew()
    rate, times = state.control.rate(2**62), len(state.control.rollbacks)
    where = f"those of step {control.good_step:,}" if control.good_step else "those of the beginning"
    message = (
        f"step {step:,}: training diverged: {found}. The last good weights, {where}, were put back, and training goes on at "
        f"{rate:g} times the planned learning rate (put back {times} of {MOST_ROLLBACKS} times)."
    )
    emitter.emit(RolledBack(step=step, good_step=control.good_step, rate=rate, message=message))


def diverged(found: str, *, after: int, step: int, rollbacks: int = 0) -> DivergedError:
    """Return the error that says what was found, and between which steps."""
    where = f"in step {step}" if step - after == 1 else f"between steps {after} and {step}"
    tried = (
        f" It had been put back to good weights {rollbacks} times before, each time at half the learning rate."
        if rollbacks
        else ""
    )
    return DivergedError(
        f"training diverged {where}: {found}.{tried} Usual causes: a learning rate that is too high (try --set optim.lr= a tenth "
        "of it) or values in your own data or module that overflow (try --set precision=float32).",
        step=step,
    )
