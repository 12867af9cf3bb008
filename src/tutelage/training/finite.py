"""Whether numbers are finite, without making the host wait for a device: one kernel marks what it finds."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

__all__ = ["are_finite", "is_plain", "mark_unfinite"]


@torch.no_grad()
def mark_unfinite(tensors: Sequence[Tensor], mark: Tensor, one: Tensor, *, are_plain: bool = False) -> None:
    """Set `mark` to 1 where a number of any tensor is not finite, else leave it.

    This is the kernel of torch's gradient scaler: it reads each tensor once, and multiplies by `one`, which changes no bit.

    Args:
        tensors: Real or complex, on the device; of one that is split over processes, this one's part counts.
        mark: float32 [], on the device.
        one: 1 as float32 [], on the device.
        are_plain: The caller vouches for `is_plain` of each: asking costs as much as the kernel where tensors are small.
    """
    real = (
        list(tensors) if are_plain else [_real(tensor) for tensor in tensors if tensor.is_floating_point() or tensor.is_complex()]
    )
    if real:
        torch._amp_foreach_non_finite_check_and_unscale_(real, mark, one)


def are_finite(tensors: Sequence[Tensor]) -> bool:
    """Tell whether all numbers are finite; the host waits for the answer."""
    if not tensors:
        return True
    device = tensors[0].device
    mark = torch.zeros((), device=device)
    mark_unfinite([tensor for tensor in tensors if tensor.device == device], mark, torch.ones((), device=device))
    return not mark.item() and are_finite([tensor for tensor in tensors if tensor.device != device])


def is_plain(tensor: Tensor) -> bool:
    """Tell whether the kernel takes a tensor as it is: real numbers, all of them in this process."""
    return tensor.is_floating_point() and not is_traceable_wrapper_subclass(tensor)


def _real(tensor: Tensor) -> Tensor:
    """Return the same numbers as real ones in one piece of memory of this process."""
    tensor = tensor.detach()
    if is_traceable_wrapper_subclass(tensor):
        tensor = tensor.to_local()
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor
