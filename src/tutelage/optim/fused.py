"""Whether torch can update all parameters in one kernel."""

from collections.abc import Sequence

from tutelage.optim.base import NamedParameter

__all__ = ["can_fuse"]

FUSED_DEVICES = ("cpu", "cuda")
"""Where torch has fused SGD, Adam, AdamW and Adagrad."""


def can_fuse(parameters: Sequence[NamedParameter]) -> bool:
    """Tell whether every parameter is of real numbers and on a device with fused kernels."""
    return all(parameter.is_floating_point() and parameter.device.type in FUSED_DEVICES for _, parameter in parameters)
