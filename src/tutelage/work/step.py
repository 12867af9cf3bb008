"""The work and the memory of one training step of any torch module, loss and optimizer, counted without running it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tutelage.work.memory import Memory
from tutelage.work.result import Work
from tutelage.work.trace import tracing

__all__ = ["StepWork", "count_step"]


@dataclass(frozen=True, slots=True)
class StepWork:
    """What a step takes.

    Attributes:
        work: Arithmetic and bytes.
        memory: The most that is held at once, the weights and the batch included.
    """

    work: Work
    memory: Memory

    def record(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {"work": self.work.record(), "memory": self.memory.record()}


def count_step(
    module: nn.Module,
    batch: Mapping[str, Tensor],
    *,
    loss: Callable[[nn.Module, Mapping[str, Tensor]], Tensor],
    optimizer: Callable[[list[nn.Parameter]], Optimizer] | None = None,
) -> StepWork:
    """Count one step: the loss, its gradient, and the update.

    Nothing is computed, and the module is left as it is. It is not the first step: the optimizer's moments are there.

    Args:
        module: What is trained.
        batch: Tensors by name; their sizes and types alone matter, so they may lie on the device `meta`.
        loss: Returns a scalar of the module and the batch.
        optimizer: Makes the optimizer; None counts no update.
    """
    with tracing() as trace:
        copied = trace.copy(module)
        device = next((each.device for each in copied.parameters()), torch.device("cpu"))
        held = trace.tensors(batch, "batch", device=device)
        made = None if optimizer is None else optimizer([each for each in copied.parameters() if each.requires_grad])

        def step() -> None:
            loss(copied, held).backward()  # type: ignore[no-untyped-call]
            with trace.counter.during("update"):
                if made is not None:
                    made.step()
            copied.zero_grad(set_to_none=True)

        if made is not None:
            with trace.counter.paused():
                step()
            moments = [each for state in made.state.values() for each in state.values() if isinstance(each, Tensor)]
            trace.storages.hold(moments, "optimizer")
        step()
        return StepWork(trace.counter.work, trace.course().memory(device.type))
