"""Soft targets: the divergence of the student's probabilities from the teacher's, both softened by a temperature.

term = T^2 KL(softmax(teacher / T) || softmax(student / T)), in nats, >= 0; T^2 keeps the gradient's size whatever T is.

Source: G. Hinton et al., "Distilling the Knowledge in a Neural Network", 2015, arXiv 1503.02531, section 2.
Differs from the paper: none; the divergence has the same gradient as the paper's cross-entropy.
"""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor

from tutelage.distillation.base import Term, TermFunction
from tutelage.distillation.divergence import kl_divergence

__all__ = ["SoftTargets"]

FEW = 5
"""Classes below which standardized logits keep too little of what a teacher says."""
FEW_WEIGHT = 3.0
"""Of the teacher's probabilities, where labels count 1: labels of few classes are noisy, and the teacher's answers are not."""


class SoftTargets(Term):
    """Softened divergence."""

    kind: Literal["soft_targets"] = "soft_targets"
    answers: ClassVar[frozenset[str]] = frozenset({"classes", "tokens"})
    temperature: float = Field(2.0, gt=0, le=1000, description="By which logits are divided. Typical: 1 to 8.")

    @classmethod
    def usual(cls, answers: str, num_classes: int) -> str:
        """Take it for few classes, and for what else has probabilities, however many there are."""
        is_usual = answers in cls.answers and (answers != "classes" or num_classes < FEW)
        return f"the teacher's probabilities of {num_classes} {answers}" if is_usual else ""

    @classmethod
    def suited(cls, answers: str, num_classes: int) -> Term:
        """Take the teacher's probabilities as they are: few classes have no small ones that softening would bring out."""
        return cls(temperature=1.0, weight=FEW_WEIGHT) if cls.usual(answers, num_classes) else cls()

    def build(self) -> TermFunction:
        """Return the function."""
        temperature = self.temperature

        def term(student_MNC: Tensor, teacher_NC: Tensor, target_N: Tensor) -> Tensor:
            return temperature**2 * kl_divergence(student_MNC / temperature, teacher_NC / temperature)

        return term
