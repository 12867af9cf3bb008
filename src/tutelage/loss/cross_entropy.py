"""Cross-entropy of softmax outputs: the usual loss for classes that exclude each other.

loss = -log softmax(outputs)[target], in nats, >= 0. A model that knows nothing about C classes scores log(C).
Label smoothing moves that share of the target to all classes alike: less overconfidence.

Source: label smoothing: "Rethinking the Inception Architecture for Computer Vision", Szegedy et al. 2015,
arXiv 1512.00567, section 7.
Differs from the paper: none.
"""

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
