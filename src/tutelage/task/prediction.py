"""Answers of a model for many rows, batch by batch: the one path of evaluation, prediction and export."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext

import torch
from torch import Tensor, nn

__all__ = ["predict_rows"]


@torch.no_grad()
def predict_rows(
    module: nn.Module,
    predict: Callable[[tuple[Tensor, ...]], Tensor],
    tensors: Mapping[str, Tensor],
    *,
    input_names: tuple[str, ...],
    finish: Callable[[dict[str, Tensor]], dict[str, Tensor]],
    batch_size: int = 512,
    device: str = "cpu",
    precision: str = "float32",
) -> Tensor:
    """Return answers float32 [N, ...] on the CPU, with the module in evaluation mode.

    Args:
        module: What is put into evaluation mode, and back after.
        predict: Turns a batch of inputs into answers.
        tensors: Prepared rows, first dimension N.
        input_names: The tensors that the model takes, in order.
        finish: Turns gathered rows into what the model takes.
        batch_size: Rows at a time; it has no influence on the answers beyond rounding.
        device: Where the module is.
        precision: `bfloat16` computes as such a training did.
    """
    was_training = module.training
    module.eval()
    device_type = torch.device(device).type
    half = torch.autocast(device_type, dtype=torch.bfloat16) if precision == "bfloat16" else nullcontext()
    answers = []
    for start in range(0, len(tensors[input_names[0]]), batch_size):
        batch = finish({name: tensors[name][start : start + batch_size].to(device) for name in input_names})
        with half:
            answers.append(predict(tuple(batch[name] for name in input_names)).float().cpu())
    module.train(was_training)
    return torch.cat(answers) if answers else torch.empty(0)
