"""Whether torch can update all parameters in one kernel."""

from collections.abc import Sequence

from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from tutelage.optim.base import NamedParameter

__all__ = ["can_fuse", "is_on_card"]

FUSED_DEVICES = ("cpu", "cuda")
"""Where torch has fused SGD, Adam and AdamW; Adagrad only on a CPU (torch 2.11 to 2.13)."""


def can_fuse(parameters: Sequence[NamedParameter]) -> bool:
    """Tell whether every parameter is of real numbers, in one piece, and on a device with fused kernels.

    Those that `fully_shard` has split over processes have none on a CPU (torch 2.13).
    """
    return all(
        parameter.is_floating_point() and parameter.device.type in FUSED_DEVICES and not is_traceable_wrapper_subclass(parameter)
        for _, parameter in parameters
    )


def is_on_card(parameters: Sequence[NamedParameter]) -> bool:
    """Tell whether every parameter is on a graphics card: counts belong there too, or the host would have to know them."""
    return all(parameter.device.type == "cuda" for _, parameter in parameters)
