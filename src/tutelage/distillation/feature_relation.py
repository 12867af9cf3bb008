"""Relations between rows: which of them lie near each other in front of the last layer, in student as in teacher; on request.

d(i, j) = the distance of the features of rows i and j over the mean distance in the batch; term of row i = the mean over j of
Huber(d(student) - d(teacher)), >= 0. Features may be of other lengths in student and teacher, so it takes no further layer.

Source: W. Park et al., "Relational Knowledge Distillation", CVPR 2019, arXiv 1904.05068, equations 6 to 8.
Differs from the paper: distances alone, without angles; where a batch is cut into micro-batches, pairs are those of one.
"""

from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from tutelage.distillation.base import Term, TermFunction

__all__ = ["FeatureRelation"]

LEAST = 1e-8
"""Least squared distance: below it, a square root has no gradient to speak of."""


class FeatureRelation(Term):
    """Huber distance of pairwise distances."""

    kind: Literal["feature_relation"] = "feature_relation"
    answers: ClassVar[frozenset[str]] = frozenset({"classes", "numbers"})
    least_classes: ClassVar[int] = 1
    compares: ClassVar[Literal["answers", "features"]] = "features"

    def build(self) -> TermFunction:
        """Return the function of features [M, N, D] and [N, K]."""

        def term(student_MND: Tensor, teacher_NK: Tensor, target_N: Tensor) -> Tensor:
            own_MNN, other_NN = _distances(student_MND), _distances(teacher_NK)
            apart = F.huber_loss(own_MNN, other_NN.expand_as(own_MNN), reduction="none")
            return apart.sum(dim=-1) / max(apart.shape[-1] - 1, 1)

        return term


def _distances(features_ND: Tensor) -> Tensor:
    """Return the distances [..., N, N] of rows over their mean; 0 of each row to itself."""
    gram = features_ND @ features_ND.transpose(-1, -2)
    squares = gram.diagonal(dim1=-2, dim2=-1)
    is_self = torch.eye(gram.shape[-1], dtype=torch.bool, device=gram.device)
    square_NN = (squares.unsqueeze(-1) + squares.unsqueeze(-2) - 2 * gram).clamp_min(LEAST).masked_fill(is_self, 1.0)
    distance_NN = square_NN.sqrt().masked_fill(is_self, 0.0)
    pairs = max(gram.shape[-1] * (gram.shape[-1] - 1), 1)
    mean = distance_NN.sum(dim=(-1, -2), keepdim=True) / pairs
    return distance_NN / mean.clamp_min(LEAST)
