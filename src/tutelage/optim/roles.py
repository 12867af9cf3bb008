"""Where in the network a parameter stands: next to the data, next to the answer, or between.

A module says so by an attribute `role`: `"input"` for the first layer that touches the data and for embeddings, `"output"`
for the head. The step hands the word on to the parameters, and an optimizer that treats them differently reads it there.
"""

from torch import nn

__all__ = ["declare_roles", "role_of"]

ROLES = ("input", "output")
ATTRIBUTE = "tutelage_role"


def declare_roles(module: nn.Module) -> None:
    """Write on each parameter the role that the nearest module around it declares; embeddings are inputs by nature.

    A parameter without any is left as it is. A copy of a module takes its modules' roles along, not its parameters':
    declare them again.
    """
    _declare(module, "")


def role_of(parameter: nn.Parameter) -> str:
    """Return `input`, `output`, or "" where nothing was declared."""
    return getattr(parameter, ATTRIBUTE, "")


def _declare(module: nn.Module, role: str) -> None:
    """Hand a role down, unless a module below has one of its own."""
    own = getattr(module, "role", "input" if isinstance(module, nn.Embedding) else "")
    role = own if own in ROLES else role
    for parameter in module.parameters(recurse=False):
        # Weights that are tied belong to the first that has them.
        if role and not role_of(parameter):
            setattr(parameter, ATTRIBUTE, role)
    for child in module.children():
        _declare(child, role)
