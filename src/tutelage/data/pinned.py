"""Batches on their way to a graphics card: through memory that it can read by itself, made once and used again and again.

Memory from the system has to be copied into such memory first, and the driver does so while the program waits. Making it is
slow as well, hence two buffers that take turns: one is filled in the background while the other is still being read.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

__all__ = ["Pinned", "PinnedBuffers"]


class Pinned:
    """One batch's place in pinned memory."""

    def __init__(self, device: torch.device) -> None:
        """Reserve nothing yet; the first batch says how much is needed."""
        self._device = device
        self._bytes: dict[str, Tensor] = {}
        self._batch: dict[str, Tensor] = {}
        self._has_left: torch.cuda.Event | None = None

    def fill(self, batch: Mapping[str, Tensor]) -> None:
        """Copy a batch in, once the one before has left; may run in any thread."""
        if self._has_left is not None:
            self._has_left.synchronize()
        self._batch = {name: self._put(name, tensor) for name, tensor in batch.items()}

    def send(self) -> dict[str, Tensor]:
        """Begin to copy the batch to the device, in order with what the calling thread does there, and do not wait."""
        sent = {name: tensor.to(self._device, non_blocking=True) for name, tensor in self._batch.items()}
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(self._device))
        self._has_left = event
        return sent

    def _put(self, name: str, tensor: Tensor) -> Tensor:
        """Copy one tensor in; memory grows where it is larger than all before it."""
        held = self._bytes.get(name)
        if held is None or held.numel() < tensor.nbytes:
            # In a new thread the current device is the first one, which may belong to another process.
            with torch.cuda.device(self._device):
                held = self._bytes[name] = torch.empty(max(1, tensor.nbytes), dtype=torch.uint8, pin_memory=True)
        return held[: tensor.nbytes].view(tensor.dtype).view(tensor.shape).copy_(tensor)


class PinnedBuffers:
    """Two places that take turns: fill the next one in the background, then send it, then fill the other."""

    def __init__(self, device: torch.device) -> None:
        """Prepare both for a device."""
        self._places = [Pinned(device), Pinned(device)]

    def fill(self, batch: Mapping[str, Tensor]) -> Pinned:
        """Return the place that the batch was copied to; at most two are in use, the one before and this one."""
        self._places.reverse()
        self._places[0].fill(batch)
        return self._places[0]
