"""Regression: a number for each row, such as a price or a temperature.

The model learns the standardized target (mean 0, standard deviation 1 on the train rows); results are in its own unit.
"""

from typing import Any, Literal

from pydantic import Field
from torch import Tensor, nn

from tutelage.core.spec import Pick
from tutelage.task.base import Phase, TaskSpec
from tutelage.task.supervised import SupervisedTask

__all__ = ["Regress"]


class Regress(TaskSpec):
    """Settings of regression."""

    kind: Literal["regress"] = "regress"
    loss: Pick("loss") = Field("mse", validate_default=True, description="Loss per sample.")  # type: ignore[valid-type]
    ema: float = Field(0.0, ge=0, lt=1, description="Decay of the weight average used for evaluation; 0 keeps none.")

    def build(self, model: nn.Module, *, input_names: tuple[str, ...], phase: Phase) -> SupervisedTask:
        """Make the task around a model that returns [B, 1] or [B, M, 1]."""
        loss: Any = self.loss
        return SupervisedTask(model, loss=loss.build(), answer=self.answer, input_names=input_names, phase=phase, ema=self.ema)

    def answer(self, outputs: Tensor) -> Tensor:
        """Return float32 [B] of outputs [B, 1] or [B]; of members [B, M, 1] their mean."""
        outputs = outputs.squeeze(-1) if outputs.dim() > 1 else outputs
        return outputs.mean(dim=1) if outputs.dim() == 2 else outputs
