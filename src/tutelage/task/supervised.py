"""What classification and regression share: one model, one phase, a loss per sample, weights, members, an average."""

from collections.abc import Callable

from torch import Tensor, nn

from tutelage.loss.base import LossFunction
from tutelage.task.average import Average
from tutelage.task.base import Batch, Objective, Phase, Task

__all__ = ["SupervisedTask"]


class SupervisedTask(Task):
    """A model that learns from pairs of inputs and target; one phase, `fit`."""

    def __init__(
        self,
        model: nn.Module,
        *,
        loss: LossFunction,
        answer: Callable[[Tensor], Tensor],
        input_names: tuple[str, ...],
        phase: Phase,
        ema: float = 0.0,
    ) -> None:
        """Hold the model and its loss.

        Args:
            model: Returns outputs [B, O], or [B, M, O] for M members that share weights.
            loss: One number per sample.
            answer: Turns float32 outputs into what `predict` returns.
            input_names: The batch's tensors that the model takes, in order.
            phase: The optimizer, schedule and clipping.
            ema: Decay of the weight average that answers `predict`; 0 keeps none.
        """
        super().__init__()
        self.model = model
        self.average = Average(model, decay=ema) if ema else None
        self.loss = loss
        self.answer = answer
        self.input_names = input_names
        self.phases = {"fit": phase}

    def objective(self, phase: str, batch: Batch) -> Objective:
        """Return the summed loss of a batch."""
        outputs = self.model(*[batch[name] for name in self.input_names]).float()
        loss_B = _per_sample(self.loss, outputs, batch["target"])
        weight_B = batch.get("weight")
        if weight_B is None:
            return Objective(loss_B.sum(), float(len(loss_B)), {})
        return Objective((loss_B * weight_B).sum(), weight_B.sum(), {})

    def after_update(self, phase: str) -> None:
        """Let the average follow the weights."""
        if self.average is not None:
            self.average.follow(self.model)

    def predict(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Return the task's answer to a batch of inputs, in evaluation mode if the task is."""
        model = self.model if self.average is None else self.average.module
        answer: Tensor = self.answer(model(*inputs).float())
        return answer


def _per_sample(loss: LossFunction, outputs: Tensor, target_B: Tensor) -> Tensor:
    """Return loss_B of outputs [B, O] or [B]; of members [B, M, O] the mean of their losses."""
    if outputs.dim() < 3:
        return loss(outputs[:, None] if outputs.dim() == 1 else outputs, target_B)
    num_rows, num_members = outputs.shape[0], outputs.shape[1]
    flat = loss(outputs.flatten(0, 1), target_B.repeat_interleave(num_members, dim=0))
    return flat.view(num_rows, num_members).mean(dim=1)
