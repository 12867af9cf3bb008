"""Builds networks from files within the bounds of what the same file holds: a changed setting may ask for any memory."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules import module as registry

__all__ = ["MisfitError", "refuse_misfit", "within"]

SPARE = 1000
"""Tensors that a network may make while it is built beyond those that it keeps."""


class MisfitError(ValueError):
    """A network and weights that do not fit each other."""


@contextmanager
def within(weights: Mapping[str, Tensor]) -> Iterator[None]:
    """While entered, networks are built on no device, and one that has more or larger tensors than its weights is refused.

    Raises:
        MisfitError: It has.
    """
    left = 2 * len(weights) + SPARE
    largest = max((weight.numel() for weight in weights.values()), default=0) + SPARE

    def count(_module: nn.Module, name: str, tensor: Tensor | None) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise MisfitError(f"the network would have far more tensors than the {len(weights):,} in the file")
        if isinstance(tensor, nn.Parameter) and tensor.numel() > largest:
            raise MisfitError(f"the network's {name} would have {tensor.numel():,} values, more than any tensor in the file")

    hooks = [
        registry.register_module_parameter_registration_hook(count),
        registry.register_module_buffer_registration_hook(count),
    ]
    try:
        with torch.device("meta"):
            yield
    finally:
        for hook in hooks:
            hook.remove()


def refuse_misfit(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Refuse weights whose names or sizes are not those of a network.

    Raises:
        MisfitError: They are not.
    """
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in weights.items()}
    wrong = sorted(name for name in {*wanted, *found} if wanted.get(name) != found.get(name))
    if wrong:
        name = wrong[0]
        raise MisfitError(f"{name}: the file has {found.get(name, 'nothing')}, the network {wanted.get(name, 'nothing')}")
