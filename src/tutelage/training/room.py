"""Whether a model can be held at all, told before there is a run folder: memory is asked for only after it was counted."""

import torch

from tutelage.core.errors import RecipeError
from tutelage.core.memory import memory_bytes

__all__ = ["device_bytes", "require_memory_room"]

COPIES = 4
"""Weights, gradients and two moments of the optimizer: what every training of a model holds at least."""


def require_memory_room(weights_bytes: int, device: str, *, what: str) -> None:
    """Refuse a model that cannot be trained in the memory of a device.

    Args:
        weights_bytes: Of the model's weights.
        device: Where it is to be trained.
        what: What was wished for, such as `model = mlp (hidden=...)`.

    Raises:
        RecipeError: It does not fit.
    """
    needed, there = weights_bytes * COPIES, device_bytes(device)
    if needed > there:
        found = f"{what} needs {needed / 2**30:,.1f} GiB for weights, gradients and moments alone"
        raise RecipeError(f"recipe: {found}; {device} has {there / 2**30:,.1f} GiB. Make it smaller.")


def device_bytes(device: str) -> int:
    """Return how much memory a device has, or may be used of it by this process."""
    if torch.device(device).type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return memory_bytes()
