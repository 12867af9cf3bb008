"""What many tests put in the place of a part: a sink that remembers, a layer without memory, a small training."""

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from tutelage.core.events import Event
from tutelage.data.rows.dense import DenseRows
from tutelage.data.stream import FiniteStream
from tutelage.loss.cross_entropy import CrossEntropy
from tutelage.optim.base import Optim
from tutelage.optim.schedule.constant import Constant
from tutelage.task.base import Phase
from tutelage.task.supervised import SupervisedTask
from tutelage.training.control import Control
from tutelage.training.state import TrainState
from tutelage.training.step import Step, StepOptions

__all__ = ["NO_MEMORY", "Tight", "Told", "rows_in_turn", "small_training"]

NO_MEMORY = (
    "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to allocate 4096 bytes. Error 12"
)
Kind = TypeVar("Kind", bound=Event)


class Told:
    """A sink that remembers what it was told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def take(self, event: Event) -> None:
        self.events.append(event)

    def close(self) -> None:
        pass

    def named(self, kind: type[Kind]) -> list[Kind]:
        """Return the events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]


class Tight(nn.Module):
    """A layer that takes at most so many rows at a time, from some forward pass on; forwards or backwards."""

    def __init__(self, *, most_rows: int, after: int = 0, backwards: bool = False) -> None:
        super().__init__()
        self.most_rows, self.after, self.backwards, self.count = most_rows, after, backwards, 0

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        if self.count <= self.after:
            return x
        if self.backwards:
            x = x * 1
            x.register_hook(self._check)
            return x
        self._check(x)
        return x

    def _check(self, x: Tensor) -> None:
        if len(x) > self.most_rows:
            raise RuntimeError(NO_MEMORY)


def rows_in_turn(count: int = 64) -> dict[str, Tensor]:
    """Return rows of four random numbers, of three classes in turn."""
    return {"x": torch.randn(count, 4), "target": torch.arange(count) % 3}


def small_training(
    model: nn.Module,
    rows: Mapping[str, Tensor],
    *,
    optim: Optim,
    batch_size: int = 8,
    steps: int = 40,
    clip: float = 0.0,
    ema: float = 0.0,
    num_micro: int = 1,
) -> TrainState:
    """Return a training of a classifier at its beginning; its inputs are all of the rows but target and weight."""
    phase = Phase(owns=("model.",), optim=optim, schedule=Constant(warmup=0), clip=clip)
    inputs = tuple(name for name in rows if name not in ("target", "weight"))
    task = SupervisedTask(model, input_names=inputs, phase=phase, loss=CrossEntropy().build(), ema=ema)
    step = Step(task, StepOptions(num_micro=num_micro))
    return TrainState(task, step, FiniteStream(DenseRows(dict(rows)), batch_size=batch_size, seed=0), Control(steps).begun())
