"""Binary cross-entropy of sigmoid outputs: one output for two classes, or a yes-no question per class.

With one output: loss = -log sigmoid(output) for class 1, -log(1 - sigmoid(output)) for class 0, in nats, >= 0.
With C outputs each class is asked by itself (one against the rest) and the C losses are added.
"""

from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from tutelage.loss.base import Loss, LossFunction
from tutelage.loss.shape import widen

__all__ = ["BinaryCrossEntropy"]


class BinaryCrossEntropy(Loss):
    """Sigmoid cross-entropy."""

    kind: Literal["binary_cross_entropy"] = "binary_cross_entropy"
    answers: ClassVar[str] = "classes"

    def count_outputs(self, num_classes: int) -> int:
        """Return one output for two classes, else one for each."""
        return 1 if num_classes == 2 else num_classes

    def build(self) -> LossFunction:
        """Return (outputs_BO, target_B int64) -> loss_B; targets are 0 or 1 where O = 1, else class numbers below O."""

        def loss(outputs_BO: Tensor, target_B: Tensor) -> Tensor:
            wide_BO = widen(outputs_BO)
            classes = outputs_BO.shape[1]
            wanted_BO = target_B[:, None] if classes == 1 else F.one_hot(target_B, classes)
            return F.binary_cross_entropy_with_logits(wide_BO, wanted_BO.to(wide_BO.dtype), reduction="none").sum(1)

        return loss

    def worked(self, outputs_1O: Tensor, target_1: Tensor) -> str:
        """Write the formula with the numbers of one sample."""
        value = float(self.build()(outputs_1O, target_1)[0])
        if outputs_1O.shape[1] > 1:
            return f"the sum over {outputs_1O.shape[1]} yes-no questions of -ln p(right answer) = {value:.4g}"
        output, target = float(outputs_1O[0, 0]), int(target_1[0])
        hit = float(torch.sigmoid(outputs_1O[0, 0] * (1 if target else -1)))
        asked = f"sigmoid({output:.4g})" if target else f"(1 - sigmoid({output:.4g}))"
        return f"-ln {asked} = -ln {hit:.4g} = {value:.4g}"
