"""Correlation with the teacher: of the classes within each row, and of the rows within each class; for a much stronger teacher.

With softmax probabilities at temperature T: between = 1 - Pearson(student row, teacher row), within = the mean over classes of
1 - Pearson(student column, teacher column) over the batch; term = T^2 (inter * between + intra * within), 0 to 2 T^2 times
inter + intra.

Source: T. Huang et al., "Knowledge Distillation from A Stronger Teacher" (DIST), 2022, arXiv 2205.10536, equations 6 to 10.
Differs from the paper: none; where a batch is cut into micro-batches, columns are those of a micro-batch.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from tutelage.distillation.base import Term, TermFunction
from tutelage.distillation.soft_targets import FEW

__all__ = ["ClassCorrelation"]

LEAST = 1e-12
"""Added to a product of variances, so that constant rows have no correlation, and a gradient."""


class ClassCorrelation(Term):
    """Correlation of probabilities."""

    kind: Literal["class_correlation"] = "class_correlation"
    answers: ClassVar[frozenset[str]] = frozenset({"classes"})
    least_classes: ClassVar[int] = 3
    inter: float = Field(1.0, ge=0, le=1e3, description="Share of the correlation of classes within a row.")
    intra: float = Field(1.0, ge=0, le=1e3, description="Share of the correlation of rows within a class.")
    temperature: float = Field(1.0, gt=0, le=1000, description="By which logits are divided. Typical: 1 to 4.")

    @classmethod
    def usual(cls, answers: str, num_classes: int) -> str:
        """Take it for several classes."""
        return "which rows the teacher finds alike" if answers == "classes" and num_classes >= FEW else ""

    def build(self) -> TermFunction:
        """Return the function."""
        inter, intra, temperature = self.inter, self.intra, self.temperature

        def term(student_MNC: Tensor, teacher_NC: Tensor, target_N: Tensor) -> Tensor:
            student = torch.softmax(student_MNC / temperature, dim=-1)
            teacher = torch.softmax(teacher_NC / temperature, dim=-1)
            between_MN = 1 - _correlation(student, teacher, dim=-1)
            within_M = (1 - _correlation(student, teacher, dim=-2)).mean(dim=-1)
            return temperature**2 * (inter * between_MN + intra * within_M.unsqueeze(-1))

        return term


def _correlation(student: Tensor, teacher: Tensor, *, dim: int) -> Tensor:
    """Return Pearson's correlation along a dimension."""
    own, other = student - student.mean(dim=dim, keepdim=True), teacher - teacher.mean(dim=dim, keepdim=True)
    spread = own.square().sum(dim=dim) * other.square().sum(dim=dim)
    return (own * other).sum(dim=dim) / torch.sqrt(spread + LEAST)
