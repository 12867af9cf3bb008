"""Cross-entropy of softmax outputs: the usual loss for classes that exclude each other.

loss = -log softmax(outputs)[target], in nats, >= 0. A model that knows nothing about C classes scores log(C).
Label smoothing moves that share of the target to all classes alike: less overconfidence.

Source: label smoothing: "Rethinking the Inception Architecture for Computer Vision", Szegedy et al. 2015,
arXiv 1512.00567, section 7.
Differs from the paper: none.
"""

import math
from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from tutelage.loss.base import Loss, LossFunction
from tutelage.loss.shape import class_scores

__all__ = ["CrossEntropy"]


class CrossEntropy(Loss):
    """Softmax cross-entropy; a single output is the logit of the second of two classes."""

    kind: Literal["cross_entropy"] = "cross_entropy"
    answers: ClassVar[str] = "classes"
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="Share of the target spread over all classes. Typical: 0 to 0.2.")

    def build(self) -> LossFunction:
        """Return (outputs_BO, target_B int64) -> loss_B."""
        smoothing = self.label_smoothing

        def loss(outputs_BO: Tensor, target_B: Tensor) -> Tensor:
            return F.cross_entropy(class_scores(outputs_BO), target_B, reduction="none", label_smoothing=smoothing)

        return loss

    def worked(self, outputs_1O: Tensor, target_1: Tensor) -> str:
        """Write the formula with the numbers of one sample."""
        scores_C, target = class_scores(outputs_1O)[0], int(target_1[0])
        logs_C = scores_C.log_softmax(0)
        hit, share = float(logs_C[target]), self.label_smoothing
        if not share:
            return f"-ln p(target) = -ln {math.exp(hit):.4g} = {-hit:.4g}"
        rest = -float(logs_C.mean())
        return (
            f"{1 - share:g} * (-ln p(target)) + {share:g} * mean over the {len(logs_C)} classes of -ln p "
            f"= {1 - share:g} * {-hit:.4g} + {share:g} * {rest:.4g} = {-(1 - share) * hit + share * rest:.4g}"
        )
