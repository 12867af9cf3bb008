"""How a layer says where in the network it stands, for optimizers that treat the ends differently from the middle."""

from typing import Literal, TypeVar

from torch import nn

__all__ = ["Role", "last_layer", "mark"]

Role = Literal["input", "output"]
"""Next to the data (embeddings too), or next to the answer; a layer between them says nothing."""

Module = TypeVar("Module", bound=nn.Module)


def mark(module: Module, role: Role) -> Module:
    """Return the module, with its role; it holds for everything below that says nothing else."""
    module.role = role  # type: ignore[assignment]
    return module


def last_layer(network: nn.Module) -> nn.Module | None:
    """Return the layer next to the answer, whose input are the features of a row; None where none says that it is."""
    return next((module for module in reversed(list(network.modules())) if getattr(module, "role", "") == "output"), None)
