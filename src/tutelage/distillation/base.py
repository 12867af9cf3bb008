"""What every term of distillation is: how far a student's outputs are from its teacher's answers, one number a sample.

Shape letters: M members of the student, N samples, C classes (or 1 number).
"""

from collections.abc import Callable
from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor

from tutelage.core.spec import Component

__all__ = ["Term", "TermFunction"]

TermFunction = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(student_MNC, teacher_NC, target_N) -> term_MN, float32, >= 0. Student and teacher are logits, up to a constant in each row, or
standardized numbers; the target is that of the loss: class numbers int64, numbers float32, or tokens int64."""


class Term(Component):
    """A term and its weight."""

    family: ClassVar[str] = "distillation"
    answers: ClassVar[frozenset[str]]
    """The kinds of answers that it compares: classes, numbers, tokens."""
    least_classes: ClassVar[int] = 2
    """Classes below which it says nothing; of numbers there is 1."""
    compares: ClassVar[Literal["answers", "features"]] = "answers"
    """What it takes: outputs and answers, or what stands in front of the last layers of both, [M, N, D] and [N, K]."""
    weight: float = Field(1.0, ge=0, le=1e6, description="Its share, where the task's own loss counts 1; 0 leaves it out.")

    def refusal(self, answers: str, num_classes: int) -> str:
        """Return why it cannot compare such answers, for people; "" where it can."""
        if answers not in self.answers:
            return f"compares {' or '.join(sorted(self.answers))}, and here are {answers}"
        if num_classes < self.least_classes:
            return f"says nothing of fewer than {self.least_classes} classes, and here are {num_classes}"
        return ""

    @classmethod
    def usual(cls, answers: str, num_classes: int) -> str:
        """Return why it is taken for such answers where nobody names terms; "" where it is not."""
        return ""

    @classmethod
    def suited(cls, answers: str, num_classes: int) -> "Term":
        """Return it with the settings that suit such answers, where nobody says others."""
        return cls()

    def build(self) -> TermFunction:
        """Return the function, without the weight; it must be traceable by torch.compile."""
        raise NotImplementedError
