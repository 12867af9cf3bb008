"""Sees that a loss is no longer finite long before the next log line, and without making the host wait for the device.

When it looks follows from the number of steps alone, never from a clock: where a training stops, and so which weights are
its best ones, is the same each time.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from tutelage.core.errors import DivergedError
from tutelage.training.state import TrainState

__all__ = ["DivergenceJob", "diverged"]

EVERY_ON_DEVICE = 4
"""Steps between two looks where the numbers are on a device: each costs the host some microseconds."""


class DivergenceJob:
    """Stops a training that diverged: after the very step on a CPU, some steps later on a device or with several processes."""

    def __init__(self, *, step: int) -> None:
        """Look from `step` on."""
        self.next_step = step + 1
        self._last_look = self._finite_until = step
        self._every = 0
        self._is_late = False
        self._are_finite: Callable[[Sequence[Tensor]], bool] = are_finite

    def run(self, state: TrainState) -> None:
        """Look at the sums of the loss.

        Raises:
            DivergedError: One is not finite, in whichever process; the best weights so far are still in the state.
        """
        if not self._every:
            self._begin(state)
        step = state.clock.step
        if state.mesh.total(int(not self._are_finite(state.ledger.losses()))):
            raise diverged("a loss is not finite", after=self._finite_until, step=step)
        self._finite_until, self._last_look = self._last_look if self._is_late else step, step
        self.next_step = (step // self._every + 1) * self._every

    def _begin(self, state: TrainState) -> None:
        """Choose how to look, and how often."""
        device = torch.device(state.step.options.device)
        self._is_late = device.type == "cuda"
        self._every = max(state.mesh.ask_every, 1 if device.type == "cpu" else EVERY_ON_DEVICE)
        if self._is_late:
            self._are_finite = LateReading(device)


def diverged(found: str, *, after: int, step: int) -> DivergedError:
    """Return the error that says what was found, and between which steps."""
    where = f"in step {step}" if step - after == 1 else f"between steps {after} and {step}"
    return DivergedError(
        f"training diverged: {found} {where}. Usual causes: a learning rate that is too high (try --set optim.lr= a tenth of "
        "it) or values in your own data or module that overflow (try --set precision=float32).",
        step=step,
    )


def are_finite(totals: Sequence[Tensor]) -> bool:
    """Tell whether all numbers are finite; on the CPU that takes a microsecond."""
    return all(map(math.isfinite, totals))


class LateReading:
    """Reads numbers of a graphics card one question later: by then they have arrived, and the host waits for nothing."""

    def __init__(self, device: torch.device) -> None:
        """Make room for what will arrive."""
        self._device = device
        self._arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
        self._total = torch.zeros((), pin_memory=True)
        self._is_sent = False

    def __call__(self, totals: Sequence[Tensor]) -> bool:
        """Tell whether the numbers of the last question were finite, and send for these."""
        was_finite = True
        if self._is_sent:
            self._arrived.synchronize()
            was_finite = math.isfinite(self._total.item())
        # A sum of numbers of which one is not finite is not finite.
        self._is_sent = bool(totals)
        if totals:
            self._total.copy_(torch.stack([total.float() for total in totals]).sum(), non_blocking=True)
            self._arrived.record(torch.cuda.current_stream(self._device))
        return was_finite
