"""A way to compute steps, tried on a copy of the module: built, stepped, timed, and given back."""

import copy
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from tutelage.planning.execution import Execution, TriedWay, Way
from tutelage.planning.plan import Plan
from tutelage.run.compose import Composed, compose
from tutelage.task.base import Batch, Data
from tutelage.training.freed_memory import free_memory
from tutelage.training.threads import threads

__all__ = ["Candidate", "build_candidate", "by_way"]

TURN_SECONDS, MOST_STEPS = 0.005, 8
"""How long steps are made in one turn, and how many at most: of short ones several, so that the clock does not decide."""
LARGE_BYTES = 2**26
"""Weights from which on freed memory is given back at once: looking for it takes a tenth of a second."""


@dataclass
class Candidate:
    """A way with a training that is tried.

    Attributes:
        way: Which.
        composed: The training.
        rows: Rows of a batch that its steps take; 0 = all.
        building_seconds: What building and the first step took: kernels are made, or compiled.
        times: Seconds of each timed step.
        quality: How its gradient compares with that in float32, where that was looked at.
        num_rows: Rows of all steps and gradients that were computed so far.
    """

    way: Way
    composed: Composed
    rows: int = 0
    building_seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    quality: Mapping[str, float] = field(default_factory=dict)
    count: int = 0
    num_rows: int = 0

    def step(self) -> float:
        """Make a step, and return its seconds."""
        state = self.composed.state
        with threads(self.way.num_threads):
            began = time.perf_counter()
            batch = self.batch()
            state.step(state.task.usual_beat(self.count), batch, 0.0)
            device = torch.device(state.step.options.device)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            self.count += 1
            self.num_rows += self.rows or state.stream.batch_size
            return time.perf_counter() - began

    def batch(self) -> Batch:
        """Return the next batch, or its first rows, with what its task draws."""
        state = self.composed.state
        batch = state.stream.next()
        if self.rows:
            batch = {name: value[: self.rows] for name, value in batch.items()}
        return state.task.draw(batch, torch.Generator()) if state.task.draws else batch

    def warm_up(self) -> None:
        """Make the step that builds kernels and moments, and time the next one."""
        self.building_seconds += self.step()
        self.times.append(self.step())

    def whole(self) -> None:
        """Take whole batches from now on, and forget what parts of them took."""
        if not self.rows:
            return
        rows, times = self.rows, self.times
        self.rows, self.times = 0, []
        try:
            self.warm_up()
        finally:
            if not self.times:
                # Figures of parts are better than none.
                self.rows, self.times = rows, times

    def turn(self) -> None:
        """Time a few steps, without the first one where there are several: it finds the caches full of somebody else's."""
        times = [self.step() for _ in range(self.turn_steps)]
        self.times += times[1:] or times

    @property
    def turn_steps(self) -> int:
        """Steps of a turn."""
        return min(max(int(TURN_SECONDS / max(self.seconds, 1e-9)), 1), MOST_STEPS)

    @property
    def seconds(self) -> float:
        """Median time of a step."""
        return statistics.median(self.times)

    @property
    def least(self) -> float:
        """The shortest step: of few, it is the one that was disturbed the least."""
        return min(self.times)

    @property
    def is_divided(self) -> bool:
        """Whether its steps did not fit into the memory as they are."""
        return self.composed.state.step.num_micro > self.way.num_micro

    @property
    def parameters(self) -> list[Tensor]:
        """What it learns."""
        return list(self.composed.state.task.parameters())

    def told(self) -> TriedWay:
        """Return the figures."""
        return TriedWay(**self.way.model_dump(), step_seconds=self.seconds, rows=self.rows, **self.quality)

    def close(self) -> None:
        """End what it holds open, and give its memory back."""
        is_large = sum(parameter.nbytes for parameter in self.parameters) > LARGE_BYTES
        self.composed.problem.close()
        del self.composed
        if is_large:
            free_memory()


def build_candidate(way: Way, plan: Plan, data: Data, module: nn.Module | None, *, rows: int = 0) -> Candidate:
    """Return a training of a copy of the module that computes this way.

    Args:
        way: Which.
        plan: The training's.
        data: Prepared data.
        module: A module to copy, in place of the plan's model.
        rows: Rows of a batch that its steps take; 0 = all.

    Raises:
        Exception: Whatever copying or building an own module raises.
    """
    began = time.perf_counter()
    composed = compose(by_way(way, plan), data, module=copy.deepcopy(module))
    return Candidate(way, composed, rows, building_seconds=time.perf_counter() - began)


def by_way(way: Way, plan: Plan) -> Plan:
    """Return the plan that computes this way."""
    execution = Execution(memory_format=way.memory_format, num_threads=way.num_threads)
    return plan.but(precision=way.precision, compile=way.compile, num_micro=way.num_micro, execution=execution)
