"""Gradients of a recurrent network by time lag: how strongly the loss depends on what was read so many steps ago.

Training is the same with and without it: dropout is off, no random number is drawn, no gradient of a weight is computed, and
each module goes back into its own mode.

Source: Y. Bengio et al., "Learning Long-Term Dependencies with Gradient Descent is Difficult", 1994, IEEE Transactions on
Neural Networks 5, section 4, which explains why these norms shrink or grow geometrically.

Shape letters: B batch, T steps, D numbers of an embedded step.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from tutelage.data.rows.base import Rows
from tutelage.task.base import Batch, Task
from tutelage.task.modes import evaluation_mode

__all__ = ["IGNORED", "lag_batch", "measure_lags"]

NUM_ROWS = 16
MOST_POINTS = 128
"""Lags that are told; neighbors are averaged where there are more."""
IGNORED = -100
"""A target that adds nothing to torch's cross-entropy."""


def reader(task: nn.Module) -> nn.Module | None:
    """Return the first recurrent network in a task: one with `is_recurrent` and a part `embed`; None where there is none."""
    return next((part for part in task.modules() if getattr(part, "is_recurrent", False)), None)


def lag_batch(rows: Rows, finisher: nn.Module, *, device: str) -> Batch:
    """Return some rows, evenly spaced, finished on the device."""
    numbers = torch.linspace(0, len(rows) - 1, min(NUM_ROWS, len(rows))).long()
    finished: Batch = finisher({name: value.to(device) for name, value in rows.take(numbers).items()})
    return finished


def measure_lags(task: Task, batch: Callable[[], Batch]) -> dict[float, float]:
    """Return norms of the gradient of the task's first phase, by lag; empty where its network is not recurrent.

    Args:
        task: What is learned.
        batch: Makes the rows to measure on, where they are needed.
    """
    network = reader(task)
    if network is None or not isinstance(network.embed, nn.Module):
        return {}
    kept: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        # A new leaf: what lies before it, and gets no gradient here, is not even remembered.
        kept.append(output.detach().requires_grad_())
        return kept[-1]

    rows = batch()
    handle = network.embed.register_forward_hook(keep)
    try:
        with evaluation_mode(task), torch.enable_grad():
            for part in task.modules():
                # cuDNN has gradients in training mode only; these kernels hold no dropout of their own.
                if isinstance(part, nn.RNNBase):
                    part.training = True
            total = task.objective(next(iter(task.phases)), rows).total
            (gradient_BTD,) = torch.autograd.grad(total, kept[:1])
    finally:
        handle.remove()
    norm_BT = gradient_BTD.float().norm(dim=-1).cpu()
    return by_lag(norm_BT, _lengths(rows, norm_BT))


def by_lag(norm_BT: Tensor, length_B: Tensor) -> dict[float, float]:
    """Return mean norms by the distance from each row's own end, neighbors averaged where there are many."""
    num_steps = norm_BT.shape[1]
    lag_BT = length_B[:, None] - 1 - torch.arange(num_steps)
    is_there_BT = lag_BT >= 0
    size = math.ceil(num_steps / MOST_POINTS)
    group = lag_BT[is_there_BT] // size
    sums = torch.zeros(math.ceil(num_steps / size), dtype=torch.float64)
    counts = sums.index_add(0, group, torch.ones(len(group), dtype=torch.float64))
    sums = sums.index_add(0, group, norm_BT[is_there_BT].double())
    places = counts.nonzero().flatten().tolist()
    middles = [place * size + (size - 1) / 2 for place in places]
    return dict(zip(middles, (sums[places] / counts[places]).tolist(), strict=True))


def _lengths(batch: Batch, norm_BT: Tensor) -> Tensor:
    """Return how many steps each row has, int64 [B]: what its mask says, or all of them."""
    for value in batch.values():
        if value.dtype == torch.bool and value.shape == norm_BT.shape:
            return value.sum(dim=1).cpu()
    return torch.full((len(norm_BT),), norm_BT.shape[1])
