"""Focal loss: cross-entropy that pays less attention to samples already classified well; for rare classes.

loss = (1 - p)^gamma * -log(p), p = softmax(outputs)[target]. gamma = 0 is cross-entropy. Probabilities come out underconfident.

Source: "Focal Loss for Dense Object Detection", Lin et al. 2017, arXiv 1708.02002, eq. 4.
Differs from the paper: softmax over classes in place of a sigmoid; no alpha (class weights do that).
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from tutelage.loss.base import Loss, LossFunction
from tutelage.loss.shape import class_scores

__all__ = ["Focal"]

LEAST_MISS = 1e-12
"""Below this 1 - p counts as constant: the slope of (1 - p)^gamma at 0 is infinite for gamma < 1."""


class Focal(Loss):
    """Softmax cross-entropy weighted by how wrong the model is."""

    kind: Literal["focal"] = "focal"
    answers: ClassVar[str] = "classes"
    gamma: float = Field(
        2.0, ge=0, le=100, description="How strongly easy samples are played down; 0 = not at all. Typical: 0.5 to 5."
    )

    def build(self) -> LossFunction:
        """Return (outputs_BO, target_B int64) -> loss_B."""
        gamma = self.gamma

        def loss(outputs_BO: Tensor, target_B: Tensor) -> Tensor:
            entropy_B = F.cross_entropy(class_scores(outputs_BO), target_B, reduction="none")
            miss_B = -torch.expm1(-entropy_B)
            return miss_B.clamp_min(LEAST_MISS) ** gamma * entropy_B

        return loss

    def worked(self, outputs_1O: Tensor, target_1: Tensor) -> str:
        """Write the formula with the numbers of one sample."""
        hit = float(class_scores(outputs_1O).softmax(1)[0, int(target_1[0])])
        value = float(self.build()(outputs_1O, target_1)[0])
        return f"(1 - p)^{self.gamma:g} * (-ln p) with p = {hit:.4g} of the target = {value:.4g}"
