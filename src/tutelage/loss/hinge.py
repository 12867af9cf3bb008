"""Multi-class hinge loss: the right class must lead every other by a margin, as in support vector machines.

loss = max(0, margin + (best other output) - (output of the target))^power. Outputs are scores: probabilities taken
from them need calibration.

Source: "On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines", Crammer and Singer 2001, eq. 4.
Differs from the paper: the loss may be squared, which has no kink at the margin.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from tutelage.loss.base import Loss, LossFunction
from tutelage.loss.shape import class_scores

__all__ = ["Hinge"]


class Hinge(Loss):
    """Crammer-Singer hinge; a single output is the lead of the second of two classes."""

    kind: Literal["hinge"] = "hinge"
    answers: ClassVar[str] = "classes"
    margin: float = Field(1.0, gt=0, le=1e6, description="Lead demanded of the right class, in units of the outputs.")
    power: Literal[1, 2] = Field(1, description="1 = hinge, 2 = squared hinge.")

    def build(self) -> LossFunction:
        """Return (outputs_BO, target_B int64) -> loss_B."""
        margin, power = self.margin, self.power

        def loss(outputs_BO: Tensor, target_B: Tensor) -> Tensor:
            score_BC = class_scores(outputs_BO)
            right_B = score_BC.gather(1, target_B[:, None])[:, 0]
            is_right_BC = torch.arange(score_BC.shape[1], device=score_BC.device) == target_B[:, None]
            other_B = score_BC.masked_fill(is_right_BC, -torch.inf).amax(1)
            return torch.relu(margin + other_B - right_B) ** power

        return loss

    def worked(self, outputs_1O: Tensor, target_1: Tensor) -> str:
        """Write the formula with the numbers of one sample."""
        score_C, target = class_scores(outputs_1O)[0], int(target_1[0])
        other = max(float(score) for number, score in enumerate(score_C) if number != target)
        value = float(self.build()(outputs_1O, target_1)[0])
        power = f"^{self.power}" if self.power > 1 else ""
        return (
            f"max(0, {self.margin:g} + {other:.4g} (best other) - ({float(score_C[target]):.4g}) (target)){power} = {value:.4g}"
        )
