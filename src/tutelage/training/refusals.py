"""How many steps were refused, in the whole run and in a row: counted where the numbers are, read now and then."""

from collections.abc import Mapping

import torch
from torch import Tensor

__all__ = ["Refusals"]


class Refusals:
    """Counts refused steps; part of a training's state.

    Where a device alone knows whether a step was refused, the counts live there. What `look` returns is then as old as the last
    look, so that it has arrived, and the host waits for nothing; what was sent is part of the state, so that a resumed training
    sees the same at the same steps.
    """

    def __init__(self) -> None:
        """Start with none."""
        self._counts: Tensor | tuple[int, int] = (0, 0)
        self._sent: Tensor | None = None
        self._arriving: _Arriving | None = None

    def add(self, refused: bool | Tensor) -> None:
        """Count a step; `refused` is float32 [] of 0 or 1 where only the device knows."""
        if isinstance(refused, Tensor):
            counts = self._on_device(refused.device)
            is_one = refused.to(counts.dtype)
            # total, in a row
            self._counts = torch.stack([counts[0] + is_one, (counts[1] + is_one) * is_one])
        elif isinstance(self._counts, tuple):
            total, row = self._counts
            self._counts = (total + 1, row + 1) if refused else (total, 0)
        else:
            self.add(torch.tensor(float(refused), device=self._counts.device))

    def look(self) -> tuple[int, int]:
        """Return how many were refused in all and in a row, now or at the last look."""
        if isinstance(self._counts, tuple):
            return self._counts
        assert self._sent is not None
        total, row = (self._sent if self._arriving is None else self._arriving.read()).tolist()
        found = (int(total), int(row))
        self._sent = self._counts
        self._arriving = _Arriving(self._sent) if self._sent.is_cuda else None
        return found

    @property
    def total(self) -> int:
        """Steps refused so far; the host waits for the answer."""
        return int(self._counts[0])

    @property
    def in_a_row(self) -> int:
        """Steps refused since the last that was not; the host waits for the answer."""
        return int(self._counts[1])

    def forget_row(self) -> None:
        """Begin the row anew."""
        self._counts, self._sent, self._arriving = (self.total, 0), None, None

    def state(self) -> dict[str, Tensor]:
        """Return the counts, and what the next look will see where that is not the same."""
        counts = self._counts if isinstance(self._counts, Tensor) else torch.tensor(self._counts)
        return {"counts": counts} | ({} if self._sent is None else {"sent": self._sent})

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take up what `state` returned."""
        total, row = state["counts"].tolist()
        self._counts = state["counts"].clone() if "sent" in state else (int(total), int(row))
        self._sent = state["sent"].clone() if "sent" in state else None
        self._arriving = None

    def _on_device(self, device: torch.device) -> Tensor:
        """Return the counts there."""
        if isinstance(self._counts, tuple):
            self._counts = torch.tensor(self._counts, device=device)
            self._sent = torch.zeros_like(self._counts)
        self._counts = self._counts.to(device)
        return self._counts


class _Arriving:
    """Numbers on their way from a graphics card."""

    def __init__(self, numbers: Tensor) -> None:
        self._arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
        self._held = torch.empty(numbers.shape, dtype=numbers.dtype, pin_memory=True)
        self._held.copy_(numbers, non_blocking=True)
        self._arrived.record(torch.cuda.current_stream(numbers.device))

    def read(self) -> Tensor:
        """Return them, once they are there."""
        self._arrived.synchronize()
        return self._held
