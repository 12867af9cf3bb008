"""What is decided at the end of a training, with the best weights: mirror images, floor or network, calibration."""

from collections.abc import Iterator

from tutelage.run.compose import Composed
from tutelage.task.companion import whose

__all__ = ["decide_what_leaves"]


def decide_what_leaves(composed: Composed, *, is_paused: bool = False) -> Iterator[str]:
    """Decide one thing after the other, each with what was decided before, and yield what is worth telling.

    Args:
        composed: A training, with the weights that leave.
        is_paused: Whether it goes on later: then nothing is trained first, for whoever stopped it waits.
    """
    problem, task = composed.problem, composed.state.task
    if problem.mirroring is not None and (why := problem.mirroring.decide(task)):
        yield f"mirror images: {'averaged' if problem.mirroring.is_on else 'not averaged'}: {why}."
    if is_paused and problem.learns_to_choose:
        return
    beside, reason = problem.beside, problem.choose(task)
    if beside is not None:
        yield f"floor ({getattr(beside.floor, 'kind', '')}): {reason}. What leaves: {whose(beside.share)}."
    yield from problem.notes()
