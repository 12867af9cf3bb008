"""Whether a model can be held and trained at all, told before there is a run folder: memory is counted before it is asked for."""

import math

import torch
from torch import Tensor, nn

from tutelage.core.errors import RecipeError
from tutelage.core.memory import memory_bytes
from tutelage.core.shape.base import Shape
from tutelage.model.example import TORCH_TYPES
from tutelage.training.before import least_rows

__all__ = ["activation_bytes", "device_bytes", "require_memory_room", "require_room_for_step"]

COPIES = 4
"""Weights, gradients and two moments of the optimizer: what every training of a model holds at least."""
FEW_NUMBERS = 4096
"""An input of so few numbers fills no memory that holds the weights; to count what it keeps takes torch's compiler, a second."""


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


def require_room_for_step(network: nn.Module, shape: Shape, device: str, *, what: str) -> None:
    """Refuse inputs so large that not even the smallest part of a batch could be learned from.

    Args:
        network: On the device `meta`.
        shape: What it receives.
        device: Where it is to be trained.
        what: What was wished for, such as `model = cnn`.

    Raises:
        RecipeError: It does not fit, though each number took only half of its bytes, as in bfloat16.
    """
    if sum(math.prod(spec.sizes) for spec in shape.tensors.values()) <= FEW_NUMBERS:
        return
    needed, there = activation_bytes(network, shape), device_bytes(device)
    if needed > 2 * there:
        rows = least_rows(network)
        found = (
            f"{what} keeps {needed / 2**30:,.1f} GiB for the gradient of {rows} input{'s' * (rows > 1)} of {shape.say()} alone"
        )
        remedy = "Make the inputs smaller (such as --set prepare.size=), or the model."
        raise RecipeError(f"recipe: {found}; {device} has {there / 2**30:,.1f} GiB. {remedy}")


def activation_bytes(network: nn.Module, shape: Shape) -> int:
    """Return the bytes that a forward pass of the fewest rows keeps for its gradient; 0 where it cannot be told.

    Args:
        network: On the device `meta`, so that nothing is computed.
        shape: What it receives.
    """
    rows, weights = least_rows(network), {_storage(tensor) for tensor in network.state_dict().values()}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        # Held on to, so that no other tensor gets its number.
        kept.setdefault(_storage(tensor), tensor)
        return tensor

    inputs = [torch.zeros((rows, *spec.sizes), dtype=TORCH_TYPES[spec.dtype], device="meta") for spec in shape.tensors.values()]
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"), torch.autograd.graph.saved_tensors_hooks(keep, keep):
            network(*inputs)
    except Exception:  # the border: a network that takes something else, or asks for numbers, which there are none of here
        return 0
    return sum(tensor.untyped_storage().nbytes() for number, tensor in kept.items() if number not in weights)


def _storage(tensor: Tensor) -> int:
    """Return what tells one piece of memory from another."""
    return int(tensor.untyped_storage()._cdata)


def device_bytes(device: str) -> int:
    """Return how much memory a device has, or may be used of it by this process."""
    if torch.device(device).type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return memory_bytes()
