"""The distance of a student's number from its teacher's: a target without the noise of single labels.

With e = student - teacher, both standardized as the labels are: term = e^2 where |e| <= delta, else delta (2 |e| - delta).

Source: P. Huber, "Robust Estimation of a Location Parameter", 1964, equation 5.
Differs from the paper: twice its loss, so that its middle is the squared error.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from tutelage.distillation.base import Term, TermFunction

__all__ = ["TeacherError"]


class TeacherError(Term):
    """Huber distance of numbers."""

    kind: Literal["teacher_error"] = "teacher_error"
    answers: ClassVar[frozenset[str]] = frozenset({"numbers"})
    least_classes: ClassVar[int] = 1
    delta: float = Field(
        1.0, gt=0, le=1e6, description="Errors beyond it, in standard deviations of the labels, count by their size alone."
    )

    @classmethod
    def usual(cls, answers: str, num_classes: int) -> str:
        """Take it for numbers."""
        return "the teacher's number, which has none of the noise of a label" if answers == "numbers" else ""

    def build(self) -> TermFunction:
        """Return the function."""
        delta = self.delta

        def term(student_MNC: Tensor, teacher_NC: Tensor, target_N: Tensor) -> Tensor:
            size = (student_MNC - teacher_NC).abs().squeeze(-1)
            return torch.where(size <= delta, size.square(), delta * (2 * size - delta))

        return term
