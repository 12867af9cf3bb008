"""Many tensors as few long ones, one a type and device: copied, added or chosen between in one go."""

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["Kept", "alike", "flatten", "put_back"]


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


class Kept:
    """Tensors that can be put back to what they were."""

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        """Keep them as they are now."""
        self._groups = alike(tensors)
        self._flat = [flatten(group) for group in self._groups]
        self._copies = [_parts(group, flat) for group, flat in zip(self._groups, self._flat, strict=True)]

    @torch.no_grad()
    def keep(self) -> None:
        """Keep them as they are now."""
        for group, copies in zip(self._groups, self._copies, strict=True):
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
