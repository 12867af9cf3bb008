"""What learned beside a run's network, such as a critic or a value function: it leaves no run, and lies in its checkpoints."""

from pathlib import Path

from torch import Tensor

from tutelage.core.errors import RunError
from tutelage.training.checkpoint import newest_checkpoint

__all__ = ["read_beside"]

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
