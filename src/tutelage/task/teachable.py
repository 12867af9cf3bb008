"""What a task, and its settings, have to offer so that a teacher can add to its loss.

Shape letters: B batch, M members of the network, N samples that are compared (rows, or tokens), C classes (or 1 number).
"""

from collections.abc import Sequence
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from torch import Tensor, nn

from tutelage.task.base import Data
from tutelage.task.objective import Batch, Objective

__all__ = ["Answers", "ComparesAnswers", "DecidesPlaces", "TellsOutputs"]


@runtime_checkable
class TellsOutputs(Protocol):
    """A task whose objective is a function of its network's outputs."""

    def outputs(self, batch: Batch) -> Tensor:
        """Return what the network gives for a batch, float32."""

    def judged(self, outputs: Tensor, batch: Batch) -> Objective:
        """Return the loss of outputs: `objective` is `judged(outputs(batch), batch)`."""


@runtime_checkable
class ComparesAnswers(Protocol):
    """Settings of a task that say how a student's outputs are compared with a teacher's answers.

    Attributes:
        telling: Names of the metrics by which teacher and student are put side by side; () for what a run measures anyway.
    """

    telling: ClassVar[tuple[str, ...]]

    def compared(self, outputs: Tensor, *, num_members: int = 1) -> Tensor:
        """Return outputs as terms of distillation take them, float32 [M, N, C]."""

    def lesson(self, answers: Tensor) -> Tensor:
        """Return a teacher's answers (as `answer` gives them) in the same way, float32 [N, C]."""

    def pooled(self, answers: Sequence[Tensor]) -> Tensor:
        """Return the mean of the answers of several teachers."""

    def agreement(self, answers: np.ndarray, others: np.ndarray) -> float:
        """Return how far two models agree, at most 1: a share of equal decisions, or a correlation; answers as users see them."""


class Answers(Protocol):
    """A trained model, as far as it is asked to decide."""

    @property
    def module(self) -> nn.Module:
        """A compact batch in, answers out."""

    @property
    def device(self) -> str:
        """Where it is."""

    @property
    def precision(self) -> str:
        """How it computes."""


@runtime_checkable
class DecidesPlaces(Protocol):
    """Settings of a task whose models answer at each place of a stretch, and not for rows."""

    def decided(self, models: Sequence[Answers], data: Data) -> np.ndarray:
        """Return what models decide together at each place of the test part, or else of validation, int64 [N]."""
