"""A task that learns from teachers too: it wraps another task, adds to its loss, and everything else stays that task's.

The teachers' answers come with each batch, made by the stream: the step, the loop and the checkpoints know nothing of them,
and no gradient can reach them. A share of 0 gives the very bits of the task alone.

Shape letters: B batch, M members, N samples that are compared, C classes (or 1 number).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from tutelage.distillation.base import Term
from tutelage.task.base import Batch, Objective, Stream, Task
from tutelage.task.features import Features
from tutelage.task.mixtures import SOFT_WEIGHT, Mixtures
from tutelage.task.teachable import ComparesAnswers, TellsOutputs

__all__ = ["TEACHER", "TEACHER_FEATURES", "Taught", "TaughtStream", "Teaches"]

TEACHER = "teacher"
"""The name of the teachers' answers in a batch."""
TEACHER_FEATURES = "teacher_features"
"""The name of what the teachers have in front of their last layers, float32 [B, K]."""
LEARNER = "learner"


class Teaches(Protocol):
    """What gives the teachers' answers for a batch."""

    def __call__(self, batch: Batch, numbers: Tensor | None) -> Batch:
        """Return `TEACHER` and, where a term compares them, `TEACHER_FEATURES`, first dimension B, on the batch's device.

        Args:
            batch: As the student sees it.
            numbers: The numbers of its rows in the train rows, int64 [B].
        """


class Taught(Task):
    """Another task whose loss has terms of distillation added."""

    def __init__(self, learner: Task, *, spec: ComparesAnswers, terms: Sequence[Term], own: float) -> None:
        """Wrap a task.

        Args:
            learner: The task; a `TellsOutputs`.
            spec: Its settings.
            terms: What teachers add.
            own: Share of the task's own loss.
        """
        super().__init__()
        assert isinstance(learner, TellsOutputs)
        assert not learner.draws, "what it draws would have to be drawn for its teachers too"
        self.learner = learner
        self.rhythm = learner.rhythm
        self.phases = {
            name: replace(
                phase,
                owns=tuple(f"{LEARNER}.{begin}" for begin in phase.owns),
                factors={f"{LEARNER}.{begin}": factor for begin, factor in phase.factors.items()},
            )
            for name, phase in learner.phases.items()
        }
        self._spec, self._own = spec, own
        self._terms = [(term, term.build(), str(getattr(term, "kind", ""))) for term in terms if term.weight]
        needs_features = any(term.compares == "features" for term, *_ in self._terms)
        learning = learner.get_submodule(next(iter(learner.phases.values())).owns[0].rstrip("."))
        self._features = Features(learning) if needs_features else None
        self._num_members = int(getattr(learner.network(), "num_members", 1))

    def objective(self, phase: str, batch: Batch) -> Objective:
        """Return the task's own loss with what the teachers add."""
        assert isinstance(self.learner, TellsOutputs)
        outputs = self.learner.outputs(batch)
        own = self.learner.judged(outputs, batch)
        if not self._terms:
            return own if self._own == 1 else own._replace(total=self._own * own.total)
        student_MNC = self._spec.compared(outputs, num_members=self._num_members)
        teacher_NC = self._spec.lesson(batch[TEACHER])
        target_N, weight_N = self._target(batch, teacher_NC), self._weight(batch, len(teacher_NC))
        total = own.total if self._own == 1 else self._own * own.total
        parts: dict[str, Tensor] = dict(own.parts)
        features_1ND = None if self._features is None else self._features.take()[None]
        for term, function, kind in self._terms:
            if term.compares == "answers":
                each_MN = function(student_MNC, teacher_NC, target_N)
            else:
                assert features_1ND is not None
                each_MN = function(features_1ND, batch[TEACHER_FEATURES], target_N)
            summed = (each_MN.mean(dim=0) * weight_N).sum()
            total, parts[kind] = total + term.weight * summed, summed.detach()
        return Objective(total, weight_N.sum() if SOFT_WEIGHT in batch else own.weight, parts)

    def _target(self, batch: Batch, teacher_NC: Tensor) -> Tensor:
        """Return targets; of a row without a label, the class that the teacher finds most probable."""
        target_N = batch["target"].flatten()
        if SOFT_WEIGHT not in batch or target_N.is_floating_point():
            return target_N
        return torch.where(batch["weight"] > 0, target_N, teacher_NC.argmax(dim=-1))

    def _weight(self, batch: Batch, num_samples: int) -> Tensor:
        """Return what each sample counts for the teachers, float32 [N]."""
        weight_B = batch.get(SOFT_WEIGHT, batch.get("weight"))
        if weight_B is None:
            return torch.ones(num_samples, device=batch[TEACHER].device)
        return weight_B

    def draw(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Draw nothing: the tasks that can be taught draw nothing."""
        return batch

    def after_update(self, phase: str, made: Tensor | None = None) -> None:
        """Do the task's own upkeep."""
        self.learner.after_update(phase, made)

    def network(self) -> nn.Module:
        """Return the student's network alone."""
        return self.learner.network()


class TaughtStream:
    """The batches of another stream with the teachers' answers beside them; its state is that stream's.

    Attributes:
        epoch_size: Rows in one pass over the data.
        batch_size: Rows in a batch, over all processes.
    """

    def __init__(self, inner: Stream, teaches: Teaches, *, mixtures: Mixtures | None = None) -> None:
        """Hold a stream over rows, what answers for them, and what mixes some of them; None mixes none."""
        self._inner, self._teaches, self._mixtures = inner, teaches, mixtures
        self.epoch_size, self.batch_size = inner.epoch_size, inner.batch_size

    def next(self) -> Batch:
        """Return the next batch, or this process's part of it, with the answers of the teachers."""
        batch = self._inner.next()
        if self._mixtures is not None:
            batch = self._mixtures(batch, position=int(self._inner.state()["position"]))
        with torch.no_grad():
            return {**batch, **self._teaches(batch, self._inner.row_numbers())}

    def row_numbers(self) -> Tensor | None:
        """Return the numbers of the last batch's rows."""
        return self._inner.row_numbers()

    def renew(self) -> None:
        """Drop what the stream would drop."""
        self._inner.renew()

    def observe(self, report: Any) -> None:
        """Let the stream take note of the step."""
        self._inner.observe(report)

    def state(self) -> dict[str, Any]:
        """Return the stream's state."""
        return self._inner.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self._inner.restore(state)
