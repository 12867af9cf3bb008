"""A step that is only pretended to run, watched: its operators counted, its memory followed."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from tutelage.work.counter import OperatorCounter
from tutelage.work.fake import fake_copy, fake_like, faking
from tutelage.work.memory import Course
from tutelage.work.storages import StorageTracer
from tutelage.work.unrolled import Unrolled

__all__ = ["Trace", "tracing"]

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class Trace:
    """What watches.

    Attributes:
        counter: Counts operators.
        storages: Follows memory.
        fake: Makes tensors without numbers.
    """

    counter: OperatorCounter
    storages: StorageTracer
    fake: FakeTensorMode

    def copy(self, module: M) -> M:
        """Return a copy of a module without numbers, and follow what memory its weights and gradients take."""
        with self.counter.paused():
            made = fake_copy(module, self.fake)
        self.storages.hold(made.parameters(), "parameters")
        self.storages.hold(made.buffers(), "buffers")
        for parameter in made.parameters():
            if parameter.requires_grad:
                parameter.register_post_accumulate_grad_hook(self._hold_gradient)  # type: ignore[no-untyped-call]
        return made

    def tensors(self, like: Mapping[str, Tensor], label: str, *, device: torch.device) -> dict[str, Tensor]:
        """Return tensors without numbers like others, on a device, such as a batch; `label` says what their memory holds."""
        with self.counter.paused():
            made = fake_like(like, device=device)
        self.storages.hold(made.values(), label)
        return made

    def course(self) -> Course:
        """Return when memory was taken and given back so far."""
        # Copies: what is dropped after the step dies in what goes on being followed.
        blocks = (replace(block, copies=1) for block in self.storages.blocks for _ in range(block.copies))
        return Course(tuple(blocks), tuple(self.storages.parts))

    def _hold_gradient(self, parameter: Tensor) -> None:
        """Note what memory a gradient lies in."""
        if parameter.grad is not None:
            self.storages.hold([parameter.grad], "gradients")


@contextmanager
def tracing() -> Iterator[Trace]:
    """Pretend to compute all that is computed inside, and watch it."""
    with faking() as fake, warnings.catch_warnings():
        # Whoever interrupts what is only pretended is not told where in a backward pass that was.
        warnings.filterwarnings("ignore", message="Error detected in")
        counter = OperatorCounter()
        with StorageTracer(lambda: counter.now_in) as storages, counter, Unrolled(counter, storages):
            yield Trace(counter, storages, fake)
