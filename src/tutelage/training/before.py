"""What a forward pass changes besides its outputs, as it was before: buffers such as running statistics, and random numbers."""

import math

import torch
from torch import Tensor, nn

from tutelage.training.flat import Kept

__all__ = ["Before", "least_rows"]


STILL = 10
"""Forward passes from the first one on in which nothing was drawn, after which nothing is expected to be: copying a generator's
state costs a step of a small network more than all else that is kept."""


class Before:
    """Buffers and generators as they were before a forward pass.

    Buffers of modules that stay in evaluation mode, such as a moving average, are left alone: no forward pass changes them.

    Attributes:
        checked: The buffers that have to stay finite: those that were so at first.
        checked_flat: The same numbers in as few tensors as may be.
    """

    def __init__(self, task: nn.Module, device: str) -> None:
        """Find the buffers, and keep all as it is now."""
        self._device = torch.device(device)
        held = {id(buffer): buffer for part in task.modules() if part.training for buffer in part.buffers(recurse=False)}
        buffers = list(held.values())
        self.checked = [buffer for buffer in buffers if buffer.is_floating_point() and bool(buffer.isfinite().all())]
        self._buffers = Kept(buffers, together=True) if buffers else None
        floats = [buffer for buffer in buffers if buffer.is_floating_point()]
        whole = None if self._buffers is None else self._buffers.whole_of(floats)
        self.checked_flat = [whole] if whole is not None and len(self.checked) == len(floats) else self.checked
        self._random = self._random_state()
        self._times_still: float = 0

    def keep(self) -> None:
        """Keep all as it is now."""
        if self._buffers is not None:
            self._buffers.keep()
        if self._times_still >= STILL:
            return
        random, last = self._random_state(), self._random
        if self._times_still >= 0:
            is_still = all(torch.equal(one, other) for one, other in zip(random, last, strict=True))
            # Once something has drawn, it is never taken for still.
            self._times_still = self._times_still + 1 if is_still else -math.inf
        self._random = random

    def put_back_buffers(self, is_wanted: Tensor | None = None) -> None:
        """Put the buffers back; `is_wanted` is bool [] on the device where the host does not know whether to."""
        if self._buffers is not None:
            self._buffers.put_back(is_wanted)

    def put_back_random(self) -> None:
        """Put the generators back."""
        torch.set_rng_state(self._random[0])
        if self._device.type == "cuda":
            torch.cuda.set_rng_state(self._random[1], self._device)

    def _random_state(self) -> list[Tensor]:
        """Return the state of the generators that a forward pass may use."""
        own = [torch.cuda.get_rng_state(self._device)] if self._device.type == "cuda" else []
        return [torch.get_rng_state(), *own]


def least_rows(task: nn.Module) -> int:
    """Return how many rows a micro-batch needs: batch norm cannot do with one."""
    return 2 if any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in task.modules()) else 1
