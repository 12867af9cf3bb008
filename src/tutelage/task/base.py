"""What every task is: which parameters learn in which phase, and what each phase's loss is.

A classifier has one phase; a GAN has two that alternate on each batch; reinforcement learning is a task whose stream asks
it to act. The step and the loop are the same for all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn

from tutelage.core.spec import Component
from tutelage.optim.base import Optim
from tutelage.optim.schedule.base import Schedule

__all__ = ["Batch", "Objective", "Phase", "Task", "TaskSpec"]

Batch = dict[str, Tensor]
"""Tensors by name, first dimension B: the inputs, `target`, and `weight` float32 [B] where samples count differently."""


class Objective(NamedTuple):
    """What a phase wants made small.

    Attributes:
        total: Sum of the loss over the batch, a scalar.
        weight: What that sum has to be divided by: the number of samples, or the sum of their weights.
        parts: Further scalars to log, each a sum over the same samples.
    """

    total: Tensor
    weight: Tensor | float
    parts: Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Phase:
    """One kind of update: who learns, how.

    Attributes:
        owns: Beginnings of the names of the parameters that learn; ("",) for all of them.
        optim: The optimizer's settings.
        schedule: The learning rate's course.
        clip: Largest global norm of the phase's gradients; 0 does not clip.
        order: 2 where the objective itself differentiates (gradient penalties): such a phase runs eager.
    """

    owns: tuple[str, ...]
    optim: Optim
    schedule: Schedule
    clip: float = 0.0
    order: Literal[1, 2] = 1


class Task(nn.Module):
    """What is learned: all modules of a problem, and the loss of each phase.

    Attributes:
        phases: Each phase by name.
        rhythm: For each beat the phases that run on its batch, in order; beats repeat for ever. `(("fit",),)` for a
            classifier; three critic updates to one generator update are `(("critic",), ("critic",), ("critic", "generator"))`.
    """

    phases: dict[str, Phase]
    rhythm: tuple[tuple[str, ...], ...] = (("fit",),)
    draws: ClassVar[bool] = False
    """Whether `draw` does anything; a task that draws nothing pays nothing."""

    def draw(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Add the random numbers that the objectives need (latents, noise); the only place where they enter."""
        return batch

    def objective(self, phase: str, batch: Batch) -> Objective:
        """Return the loss of a phase on a batch: tensors in, tensors out, compiled as one graph per phase."""
        raise NotImplementedError

    def after_update(self, phase: str) -> None:
        """Do the upkeep after an update of `phase`, such as moving averages and target networks."""

    def predict(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Return what evaluation, prediction and export show: probabilities [B, C], or numbers [B]."""
        raise NotImplementedError

    def beat(self, step: int) -> tuple[str, ...]:
        """Return the phases of a step, counted from 0."""
        return self.rhythm[step % len(self.rhythm)]


class TaskSpec(Component):
    """A task's settings."""

    family: ClassVar[str] = "task"

    def answer(self, outputs: Tensor) -> Tensor:
        """Turn a model's float32 outputs into what the task's `predict` returns."""
        raise NotImplementedError
