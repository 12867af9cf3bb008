"""What learned beside a run's network, such as a critic or a value function: it leaves no run, and lies in its checkpoints."""

from collections.abc import Iterable
from pathlib import Path

from torch import Tensor

from tutelage.core.errors import RunError
from tutelage.planning.plan import Decision
from tutelage.training.checkpoint import newest_checkpoint

__all__ = ["read_beside", "told_of_beside"]

STATES = ("best/", "task/")
"""Weights of the best evaluation, from which the network that left comes, and those of the last step."""


def read_beside(folder: Path, beginnings: tuple[str, ...]) -> dict[str, Tensor]:
    """Return tensors by the names that they have in the training; {} where no checkpoint holds them.

    Args:
        folder: The run's.
        beginnings: Of the names that are sought.
    """
    if not beginnings:
        return {}
    try:
        tensors = newest_checkpoint(folder)[0].tensors
    except RunError:
        return {}
    for state in STATES:
        sought = tuple(state + beginning for beginning in beginnings)
        found = {name.removeprefix(state): value for name, value in tensors.items() if name.startswith(sought)}
        if found:
            return found
    return {}


def told_of_beside(found: Iterable[str], sought: tuple[str, ...], *, is_kept: bool) -> Decision:
    """Say whether what learned beside the network is taken over.

    Args:
        found: Its names.
        sought: Their beginnings, where nothing was found.
        is_kept: Whether it is.
    """
    names = tuple(found)
    parts = ", ".join(dict.fromkeys(name.partition(".")[0] for name in names or sought))
    reason = "learned beside the network, and of use to it alone" if is_kept else "task or networks are not the same"
    reason = reason if names else "no checkpoint of the run holds it"
    return Decision(key="start_from.beside", value=f"{parts}: {'taken over' if is_kept else 'begin anew'}", reason=reason)
