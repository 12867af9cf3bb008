"""Standardized logits: the student learns the shape of the teacher's logits, not their size, which a small network cannot reach.

z(x) = (x - mean(x)) / std(x) over the classes; term = T^2 KL(softmax(z(teacher) / T) || softmax(z(student) / T)), in nats.
Shifting or scaling the teacher's logits changes nothing, so it does not matter how sure or how well calibrated it is.

Source: S. Sun et al., "Logit Standardization in Knowledge Distillation", CVPR 2024, arXiv 2403.01427, algorithm 1.
Differs from the paper: the student's deviation is held above 0.01, so that a last layer that begins at zero has a
gradient.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from tutelage.distillation.base import Term, TermFunction
from tutelage.distillation.divergence import kl_divergence
from tutelage.distillation.soft_targets import FEW

__all__ = ["StandardizedLogits"]

LEAST_TEACHER, LEAST_STUDENT = 1e-14, 1e-4
"""Added to the variance of the logits."""


class StandardizedLogits(Term):
    """Divergence of standardized logits."""

    kind: Literal["standardized_logits"] = "standardized_logits"
    answers: ClassVar[frozenset[str]] = frozenset({"classes", "tokens"})
    least_classes: ClassVar[int] = 3
    weight: float = Field(9.0, ge=0, le=1e6, description="Its share, where the task's own loss counts 1; 0 leaves it out.")
    temperature: float = Field(2.0, gt=0, le=1000, description="By which standardized logits are divided. Typical: 1 to 4.")

    @classmethod
    def usual(cls, answers: str, num_classes: int) -> str:
        """Take it for several classes."""
        is_usual = answers == "classes" and num_classes >= FEW
        return f"{num_classes} classes: how the teacher orders all of them, whatever the size of its logits" if is_usual else ""

    def build(self) -> TermFunction:
        """Return the function."""
        temperature = self.temperature

        def term(student_MNC: Tensor, teacher_NC: Tensor, target_N: Tensor) -> Tensor:
            student = _standardized(student_MNC, LEAST_STUDENT) / temperature
            return temperature**2 * kl_divergence(student, _standardized(teacher_NC, LEAST_TEACHER) / temperature)

        return term


def _standardized(logits_NC: Tensor, least: float) -> Tensor:
    """Return logits with mean 0 and standard deviation 1 in each row."""
    centered = logits_NC - logits_NC.mean(dim=-1, keepdim=True)
    variance = centered.square().sum(dim=-1, keepdim=True) / (logits_NC.shape[-1] - 1)
    return centered / torch.sqrt(variance + least)
