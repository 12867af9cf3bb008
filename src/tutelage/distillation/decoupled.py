"""Decoupled distillation: how sure the teacher is of the right class, and what it thinks of the others, weighted apart.

target = KL of (p, 1 - p) of the right class; others = KL among the other classes alone, at temperature T;
term = T^2 (alpha target + beta others). With alpha = 1 and beta = 1 - p(teacher), it would be that of soft targets.

Source: B. Zhao et al., "Decoupled Knowledge Distillation" (DKD), CVPR 2022, arXiv 2203.08679, equations 6 and 7.
Differs from the paper: none. Of a row without a label, the right class is the one that the teacher finds most probable.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from tutelage.distillation.base import Term, TermFunction
from tutelage.distillation.divergence import kl_divergence

__all__ = ["Decoupled"]


class Decoupled(Term):
    """Decoupled divergences."""

    kind: Literal["decoupled"] = "decoupled"
    answers: ClassVar[frozenset[str]] = frozenset({"classes"})
    least_classes: ClassVar[int] = 3
    alpha: float = Field(1.0, ge=0, le=1e3, description="Share of how sure the teacher is of the right class.")
    beta: float = Field(8.0, ge=0, le=1e3, description="Share of what it thinks of the other classes. Typical: 2 to 8.")
    temperature: float = Field(4.0, gt=0, le=1000, description="By which logits are divided. Typical: 1 to 4.")

    def build(self) -> TermFunction:
        """Return the function."""
        alpha, beta, temperature = self.alpha, self.beta, self.temperature

        def term(student_MNC: Tensor, teacher_NC: Tensor, target_N: Tensor) -> Tensor:
            target, others = split_divergence(student_MNC / temperature, teacher_NC / temperature, target_N)
            return temperature**2 * (alpha * target + beta * others)

        return term


def split_divergence(student_MNC: Tensor, teacher_NC: Tensor, target_N: Tensor) -> tuple[Tensor, Tensor]:
    """Return the divergence of the right class from the rest, and that among the rest, [M, N] each."""
    is_target_NC = torch.nn.functional.one_hot(target_N, teacher_NC.shape[-1]).bool()
    target = kl_divergence(_odds(student_MNC, is_target_NC), _odds(teacher_NC, is_target_NC))
    others = kl_divergence(*(logits.masked_fill(is_target_NC, -1e9) for logits in (student_MNC, teacher_NC)))
    return target, others


def _odds(logits_NC: Tensor, is_target_NC: Tensor) -> Tensor:
    """Return the logits of two classes, the right one and all others together, [..., 2]."""
    right = logits_NC.masked_fill(~is_target_NC, -torch.inf).logsumexp(dim=-1)
    rest = logits_NC.masked_fill(is_target_NC, -torch.inf).logsumexp(dim=-1)
    return torch.stack([right, rest], dim=-1)
