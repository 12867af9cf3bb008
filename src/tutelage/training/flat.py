"""Many tensors as few long ones, one a type and device: copied, added or chosen between in one go."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

__all__ = ["Kept", "alike", "flatten", "lay_together", "put_back"]


def alike(tensors: Sequence[Tensor]) -> list[list[Tensor]]:
    """Group tensors by type and device, in order of first appearance."""
    groups: dict[tuple[torch.dtype, torch.device], list[Tensor]] = {}
    for tensor in tensors:
        groups.setdefault((tensor.dtype, tensor.device), []).append(tensor)
    return list(groups.values())


def flatten(tensors: Sequence[Tensor]) -> Tensor:
    """Return a copy of tensors of one type, end to end."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def put_back(tensors: Sequence[Tensor], flat: Tensor) -> None:
    """Copy the parts of a flat tensor back to where they came from."""
    torch._foreach_copy_(list(tensors), _parts(tensors, flat))


def lay_together(tensors: Sequence[Tensor]) -> Tensor | None:
    """Move tensors of one type to places side by side in memory; they stay the same tensors, with the same numbers.

    Returns:
        The stretch of memory that they share now, flat; None where one of them has not a memory of its own, and nothing moved.
    """
    if not tensors or not all(_is_alone(tensor) for tensor in tensors):
        return None
    whole = flatten(tensors)
    for tensor, part in zip(tensors, _parts(tensors, whole), strict=True):
        tensor.data = part
    return whole


def _is_alone(tensor: Tensor) -> bool:
    """Tell whether a tensor of the CPU fills a stretch of memory that nobody else knows."""
    if tensor.device.type != "cpu" or tensor.layout != torch.strided or tensor._base is not None:
        return False
    if is_traceable_wrapper_subclass(tensor):
        return False
    return tensor.is_contiguous() and tensor.untyped_storage().nbytes() == tensor.nbytes


class Kept:
    """Tensors that can be put back to what they were."""

    def __init__(self, tensors: Sequence[Tensor], *, together: bool = False) -> None:
        """Keep them as they are now.

        Args:
            tensors: Which.
            together: Whether they may be laid side by side: one copy then is all it takes, and many small ones cost more than
                a step of a small network may spend.
        """
        self._groups = alike(tensors)
        self._wholes = [lay_together(group) if together else None for group in self._groups]
        self._flat = [flatten(group) for group in self._groups]
        self._copies = [_parts(group, flat) for group, flat in zip(self._groups, self._flat, strict=True)]

    def whole_of(self, tensors: Sequence[Tensor]) -> Tensor | None:
        """Return the stretch of memory that holds these tensors and no others; None where there is none."""
        wanted = [id(tensor) for tensor in tensors]
        for group, whole in zip(self._groups, self._wholes, strict=True):
            if wanted and [id(tensor) for tensor in group] == wanted:
                return whole
        return None

    def keep(self) -> None:
        """Keep them as they are now."""
        for group, whole, flat, copies in zip(self._groups, self._wholes, self._flat, self._copies, strict=True):
            if whole is not None:
                flat.copy_(whole)
                continue
            with torch.no_grad():
                torch._foreach_copy_(copies, group)

    @torch.no_grad()
    def put_back(self, is_wanted: Tensor | None = None) -> None:
        """Put them back.

        Args:
            is_wanted: bool [], on their device: whether to do so, without the host knowing; None = do it.
        """
        for group, flat in zip(self._groups, self._flat, strict=True):
            put_back(group, flat if is_wanted is None else torch.where(is_wanted, flat, flatten(group)))


def _parts(tensors: Sequence[Tensor], flat: Tensor) -> list[Tensor]:
    """Return the parts of a flat tensor that belong to each tensor, in its shape."""
    parts = torch.split(flat, [tensor.numel() for tensor in tensors])
    return [part.view(tensor.shape) for part, tensor in zip(parts, tensors, strict=True)]
