"""What a forward pass changes besides its outputs, as it was before: buffers such as running statistics, and random numbers."""

import torch
from torch import Tensor, nn

from tutelage.training.flat import Kept

__all__ = ["Before", "least_rows"]


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
        usual = {id(buffer) for part in task.modules() if _is_batch_norm(part) for buffer in part.buffers(recurse=False)}
        self.checked = [buffer for buffer in held.values() if buffer.is_floating_point() and bool(buffer.isfinite().all())]
        # Only batch norm's own are moved: of another module's nobody knows who else looks at their memory.
        self._usual = Kept([buffer for key, buffer in held.items() if key in usual], together=True)
        self._others = Kept([buffer for key, buffer in held.items() if key not in usual])
        floats = [buffer for key, buffer in held.items() if key in usual and buffer.is_floating_point()]
        whole, known = self._usual.whole_of(floats), {id(buffer) for buffer in self.checked}
        self.checked_flat = self.checked
        if whole is not None and all(id(buffer) in known for buffer in floats):
            self.checked_flat = [whole, *(buffer for buffer in self.checked if id(buffer) not in usual)]
        self._random = self._random_state()

    def keep(self) -> None:
        """Keep all as it is now."""
        self._usual.keep()
        self._others.keep()
        self._random = self._random_state()

    def put_back_buffers(self, is_wanted: Tensor | None = None) -> None:
        """Put the buffers back; `is_wanted` is bool [] on the device where the host does not know whether to."""
        self._usual.put_back(is_wanted)
        self._others.put_back(is_wanted)

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
    return 2 if any(_is_batch_norm(part) for part in task.modules()) else 1


def _is_batch_norm(part: nn.Module) -> bool:
    """Tell whether a layer is torch's own batch norm, or made of it."""
    return isinstance(part, nn.modules.batchnorm._BatchNorm)
