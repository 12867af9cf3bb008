"""The work and the memory of one training step of any torch module, loss and optimizer, counted without running it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

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

    Nothing is computed, and the module is left as it is. The step counted is not the first one: the optimizer's moments are there.

    Args:
        module: What is trained.
        batch: Tensors by name; their sizes and types alone matter, so they may lie on the device `meta`.
        loss: Returns a scalar of the module and the batch.
        optimizer: Makes the optimizer; None counts no update.
    """
    with tracing() as trace:
        copied, held = trace.copy(module), trace.batch(batch)
        made = None if optimizer is None else optimizer([each for each in copied.parameters() if each.requires_grad])
        for _ in range(2):
            trace.counter.forget()
            with trace.counter.during("forward"):
                total = loss(copied, held)
            total.backward()
            del total
            with trace.counter.during("update"):
                if made is not None:
                    made.step()
                    moments = [each for state in made.state.values() for each in state.values() if isinstance(each, Tensor)]
                    trace.storages.hold(moments, "optimizer")
            copied.zero_grad(set_to_none=True)
        device = next((each.device.type for each in copied.parameters()), "cpu")
        return StepWork(trace.counter.work, trace.memory(device))
