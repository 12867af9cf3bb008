"""What a phase wants made small on a batch, and gradients that a task computes by itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Batch", "Gradients", "Objective", "WithGradients"]

Batch = dict[str, Tensor]
"""Tensors by name, first dimension B: the inputs, `target`, and `weight` float32 [B] where samples count differently."""


class Objective(NamedTuple):
    """What a phase wants made small.

    Attributes:
        total: Sum of the loss over the batch, a scalar.
        weight: What that sum has to be divided by: the number of samples, or the sum of their weights.
        parts: Further scalars to log, each a sum over the same samples.
    """

    total: Tensor
    weight: Tensor | float
    parts: Mapping[str, Tensor]


class Gradients:
    """Memory on the CPU for the gradients of some parameters, written by the task at each step.

    Attributes:
        parameters: Whose.
        flat: All of them, end to end.
        parts: The part of each parameter, in its shape.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        """Take memory."""
        self.parameters = list(parameters)
        self.flat: Tensor = torch.zeros(sum(parameter.numel() for parameter in parameters))
        cut = torch.split(self.flat, [parameter.numel() for parameter in parameters])
        self.parts = [part.view(parameter.shape) for part, parameter in zip(cut, parameters, strict=True)]


WithGradients = Callable[[Batch], tuple[Objective, Gradients]]
"""Returns an objective and the gradient of its total by all of the phase's parameters, in memory that each call writes anew."""
