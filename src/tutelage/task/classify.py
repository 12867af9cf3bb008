"""Classification: one of two or more classes for each row, as probabilities.

Use it where the target is a word, a truth value or one of a few codes. For quantities use `regress`.
"""

from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from tutelage.core.spec import Pick
from tutelage.task.base import Phase, TaskSpec
from tutelage.task.supervised import SupervisedTask

__all__ = ["Classify"]


class Classify(TaskSpec):
    """Settings of classification."""

    kind: Literal["classify"] = "classify"
    loss: Pick("loss") = Field("cross_entropy", validate_default=True, description="Loss per sample.")  # type: ignore[valid-type]
    ema: float = Field(0.0, ge=0, lt=1, description="Decay of the weight average used for evaluation; 0 keeps none.")

    def build(self, model: nn.Module, *, input_names: tuple[str, ...], phase: Phase) -> SupervisedTask:
        """Make the task around a model that returns logits [B, C] or [B, M, C]; one logit stands for two classes."""
        loss: Any = self.loss
        return SupervisedTask(model, loss=loss.build(), answer=self.answer, input_names=input_names, phase=phase, ema=self.ema)

    def answer(self, outputs: Tensor) -> Tensor:
        """Return probabilities float32 [B, C] of logits [B, C]; of members [B, M, C] the mean of their probabilities.

        A last dimension of 1 is the logit of the second of two classes (sigmoid).
        """
        if outputs.dim() == 1:
            outputs = outputs[:, None]
        if outputs.shape[-1] == 1:
            shares = torch.sigmoid(torch.cat([-outputs, outputs], dim=-1))
        else:
            shares = torch.softmax(outputs, dim=-1)
        return shares.mean(dim=1) if shares.dim() == 3 else shares
