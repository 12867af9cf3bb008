"""How losses read the outputs of a model: wide enough in precision, and one number per sample where one is expected.

Shapes: B = samples, O = outputs of the model per sample.
"""

import torch
from torch import Tensor

__all__ = ["class_scores", "one_number", "widen"]


def widen(outputs: Tensor) -> Tensor:
    """Return outputs in float32, or as they are where they are float64: losses lose too much in half precision."""
    return outputs if outputs.dtype == torch.float64 else outputs.float()


def class_scores(outputs_BO: Tensor) -> Tensor:
    """Return one score per class in float32 or better; a single output is the second of two classes, the first scores 0."""
    wide_BO = widen(outputs_BO)
    return torch.cat([torch.zeros_like(wide_BO), wide_BO], dim=1) if wide_BO.shape[1] == 1 else wide_BO


def one_number(outputs_BO: Tensor, target_B: Tensor) -> tuple[Tensor, Tensor]:
    """Return outputs [B] and targets [B] in one precision; O must be 1, else the reshape fails instead of broadcasting."""
    output_B = widen(outputs_BO).reshape(target_B.shape)
    return output_B, target_B.to(output_B.dtype)
