"""A network that is nothing but small linear layers with activations between them, as a list: what can be computed by hand.

Use it to find out whether a module may be computed without autograd; any other module is None.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from tutelage.model.layers.inputs import FlatInput
from tutelage.model.layers.joined import Joined

__all__ = ["PlainChain", "plain_chain"]

MOST_UNITS = 1024
"""From here on products take nearly all of the time, and autograd costs little by comparison."""


@dataclass(frozen=True, slots=True)
class PlainChain:
    """The layers of such a network.

    Attributes:
        first: What stands before the layers; None where nothing does.
        linear: The layers, in order.
        activations: What follows each layer but the last.
    """

    first: nn.Module | None
    linear: tuple[nn.Linear, ...]
    activations: tuple[nn.Module, ...]


def plain_chain(
    module: nn.Module, *, activations: Sequence[type[nn.Module]], first: type[nn.Module] | None = None
) -> PlainChain | None:
    """Return a module as a chain; None where it is anything else, or not on the CPU in float32.

    Args:
        module: `Joined` on flat inputs, or `nn.Sequential`; layers may lie in an `nn.Sequential` with their activation.
        activations: Which may follow a layer.
        first: What may stand before the layers.

    Example:
        >>> chain = plain_chain(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)), activations=(nn.ReLU,))
        >>> [layer.out_features for layer in chain.linear]
        [3, 1]
    """
    if isinstance(module, Joined):
        if module.num_members != 1 or not isinstance(module.inputs, FlatInput):
            return None
        parts: list[nn.Module] = list(module.layers)
    elif isinstance(module, nn.Sequential):
        parts = list(module)
    else:
        return None
    flat = [part for layer in parts for part in (layer if isinstance(layer, nn.Sequential) else (layer,))]
    before = flat.pop(0) if first is not None and flat and isinstance(flat[0], first) else None
    linear, between = [layer for layer in flat[::2] if isinstance(layer, nn.Linear) and _is_plain(layer)], flat[1::2]
    is_alternate = len(linear) == len(flat[::2]) == len(between) + 1
    if not is_alternate or not all(type(each) in activations for each in between):
        return None
    if any(parameter.device.type != "cpu" or parameter.dtype != torch.float32 for parameter in module.parameters()):
        return None
    return PlainChain(before, tuple(linear), tuple(between))


def _is_plain(layer: nn.Linear) -> bool:
    """Tell whether a layer is torch's own linear one, with a bias, and small."""
    is_own = type(layer) is nn.Linear and [name for name, _ in layer.named_parameters()] == ["weight", "bias"]
    return is_own and max(layer.in_features, layer.out_features) <= MOST_UNITS
