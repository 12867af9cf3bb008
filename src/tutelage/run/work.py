"""The work and the memory of a step of a training: its own losses, clipping and optimizers, counted without running it.

A copy of the task without numbers goes through the very `Step` that trains. Small networks whose gradients a task computes in
closed form (`with_gradients`) are counted by their ordinary objective and autograd: the same products, in other operators.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from tutelage.core.allocator import is_scarce
from tutelage.core.memory import is_out_of_memory
from tutelage.task.base import Batch, Objective, Task
from tutelage.training.state import TrainState
from tutelage.training.step import Step
from tutelage.work.counter import OperatorCounter, TooLongError
from tutelage.work.heap import KEEPS, SPARES
from tutelage.work.memory import Course, Memory
from tutelage.work.result import Work, join
from tutelage.work.trace import tracing

__all__ = ["Counting", "TrainingWork", "count_if_possible", "count_training_step"]

BESIDE_BYTES = 12 * 10**6
"""What a training's steps take on a CPU beyond the bare steps that `work/memory.py` tells of: clipping, drawing, more kernels; in
the middle of 20 trainings (`python -m bench training_memory`)."""


@dataclass(frozen=True)
class TrainingWork:
    """What the steps of a training take.

    Attributes:
        phases: The work of one update of each phase, micro-batches, clipping and upkeep included.
        rhythm: The phases of each beat; a step is one beat, and beats repeat for ever.
        memory: The most that is held at once in any phase, where the training is.
        course: When memory is taken and given back, for what it would be elsewhere.
        rows: Samples of the batch.
        closed: Phases that the real step computes in closed form: their operators are fewer, their products the same.
    """

    phases: Mapping[str, Work]
    rhythm: tuple[tuple[str, ...], ...]
    memory: Memory
    course: Course
    rows: int
    closed: tuple[str, ...] = ()

    def beat(self, phases: tuple[str, ...]) -> Work:
        """Return the work of a step that runs these phases."""
        return join(self.phases[name] for name in phases)

    @property
    def whole_rhythm(self) -> Work:
        """The work of as many steps as the rhythm has beats."""
        return join(self.phases[name] for phases in self.rhythm for name in phases)

    def per_step(self, read: Callable[[Work], float]) -> float:
        """Return what a step takes in the mean, such as `lambda work: work.flops`."""
        return read(self.whole_rhythm) / len(self.rhythm)

    def record(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {
            "phases": {name: work.record() for name, work in self.phases.items()},
            "rhythm": [list(phases) for phases in self.rhythm],
            "memory": self.memory.record(),
            "rows": self.rows,
            "closed": list(self.closed),
        }


def count_training_step(state: TrainState, batch: Mapping[str, Tensor], *, most_seconds: float = math.inf) -> TrainingWork:
    """Count the work of a step; nothing is computed, and the training is left as it is.

    What is compiled in training is counted as it would run without the compiler: the same arithmetic, more passes over memory.

    Args:
        state: The training.
        batch: A batch as the stream gives it; sizes and types alone matter.
        most_seconds: What counting may take.

    Raises:
        TooLongError: It takes longer: a module calls very many operators.
    """
    real, device = state.step, torch.device(state.step.options.device)
    with tracing() as trace:
        trace.counter.ends = time.monotonic() + most_seconds
        task = trace.copy(state.task)
        held = trace.tensors(batch, "batch", device=device)
        with trace.counter.paused():
            held = task.draw(held, torch.Generator()) if task.draws else held
        trace.storages.hold(held.values(), "batch")
        kept = trace.tensors(state.good, "kept", device=device)
        _watch(task, trace.counter)
        with trace.counter.paused():
            step = Step(task, replace(real.options, compile="none", num_micro=real.num_micro))
        phases = {}
        for name in task.phases:
            # The first update makes the optimizer's moments, and is like no other.
            with trace.counter.paused():
                step((name,), held, 0.0)
            trace.storages.hold(step.updates[name].state_tensors(), "optimizer")
            step((name,), held, 0.0)
            phases[name] = trace.counter.take()
        course = trace.course()
        del kept
    memory, rows = course.memory(device.type, habit=SPARES if is_scarce() else KEEPS), len(next(iter(batch.values())))
    memory = memory.beside(BESIDE_BYTES if device.type == "cpu" else 0)
    return TrainingWork(phases, task.rhythm, memory, course, rows=rows, closed=real.closed_phases)


class Counting(NamedTuple):
    """What counting a step has come to.

    Attributes:
        work: Of the step; None where it could not be counted.
        reason: Why not; "" where it was.
    """

    work: TrainingWork | None = None
    reason: str = ""


def count_if_possible(state: TrainState, batch: Mapping[str, Tensor], *, most_seconds: float) -> Counting:
    """Count the work of a step, where a module does not do what only real numbers can do, and where it does not take too long."""
    try:
        return Counting(count_training_step(state, batch, most_seconds=most_seconds))
    except TooLongError:
        return Counting(reason=f"a step calls so many operators that counting them takes more than {most_seconds:.3g} s")
    except Exception as error:  # the border: an own module may fail in any way without numbers
        if is_out_of_memory(error):
            return Counting(reason="the memory does not suffice to follow a step")
        found = " ".join(str(error).split())[:200]
        return Counting(reason=f"a step cannot be followed without real numbers ({type(error).__name__}: {found})")


def _watch(task: Task, counter: OperatorCounter) -> None:
    """Let a copy of a task tell the counter when a loss is computed, and compute no gradient by itself."""
    objective = task.objective

    def watched(phase: str, batch: Batch) -> Objective:
        with counter.during("forward"):
            return objective(phase, batch)

    # Of this copy alone: it is dropped when the step has been counted.
    task.objective = watched  # type: ignore[method-assign]
    task.with_gradients = lambda _phase: None  # type: ignore[method-assign, assignment]
    counter.part = "update"
