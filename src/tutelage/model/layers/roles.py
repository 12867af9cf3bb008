"""How a layer says where in the network it stands, for optimizers that treat the ends differently from the middle."""

from typing import Literal, TypeVar

from torch import nn

__all__ = ["Role", "mark"]

Role = Literal["input", "output"]
"""Next to the data (embeddings too), or next to the answer; a layer between them says nothing."""

Module = TypeVar("Module", bound=nn.Module)


def mark(module: Module, role: Role) -> Module:
    """Return the module, with its role; it holds for everything below that says nothing else."""
    module.role = role  # type: ignore[assignment]
    return module
