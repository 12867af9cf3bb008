"""Updates of the weights by torch's fused kernels, for a few small tensors and for many large ones."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from tutelage.hardware.bench.base import Benchmark, Case, Prepared, bytes_of

__all__ = ["Optimizer"]

SETS = ((6, 64), (6, 4096), (40, 4096), (20, 65_536), (4, 1_048_576), (12, 1_048_576))
"""Tensors, and the numbers in each."""


class Optimizer(Benchmark):
    """Adam, SGD with momentum, and the lists of tensors that gradients are clipped by."""

    kind: Literal["optimizer"] = "optimizer"

    def cases(self, device: torch.device) -> Iterator[Case]:
        """Yield updates of sets of tensors."""
        for count, numbers in SETS:
            for op, (way, num_lists, flops) in WAYS.items():
                make = partial(_prepared, way, num_lists, (count, numbers), device)
                shown, total = f"{count} tensors of {numbers:,}", float(count * numbers)
                yield Case(op, "optimizer", "float32", shown, flops * total, make, phase="update")


def _prepared(way: Callable[..., Callable[[], object]], num_lists: int, sizes: tuple[int, int], device: torch.device) -> Prepared:
    """Put lists of tensors in memory."""
    count, numbers = sizes
    lists = [[torch.zeros(numbers, device=device) for _ in range(count)] for _ in range(num_lists)]
    return Prepared(way(*lists), bytes_of(lists))


def _adam(weights: list[Tensor], slopes: list[Tensor], mean: list[Tensor], square: list[Tensor]) -> Callable[[], object]:
    """Return a step of AdamW."""
    steps = [torch.ones((), device=weights[0].device) for _ in weights]
    return lambda: torch._fused_adamw_(
        weights,
        slopes,
        mean,
        square,
        [],
        steps,
        lr=1e-3,
        beta1=0.9,
        beta2=0.999,
        weight_decay=0.01,
        eps=1e-8,
        amsgrad=False,
        maximize=False,
    )


def _sgd(weights: list[Tensor], slopes: list[Tensor], moments: list[Tensor]) -> Callable[[], object]:
    """Return a step of SGD with momentum."""
    return lambda: torch._fused_sgd_(
        weights,
        slopes,
        moments,
        weight_decay=5e-4,
        momentum=0.9,
        lr=1e-2,
        dampening=0.0,
        nesterov=True,
        maximize=False,
        is_first_step=False,
    )


WAYS: dict[str, tuple[Callable[..., Callable[[], object]], int, float]] = {
    "_fused_adamw_": (_adam, 4, 15.0),
    "_fused_sgd_": (_sgd, 3, 6.0),
    "_foreach_norm": (lambda slopes: lambda: torch._foreach_norm(slopes), 1, 2.0),
    "_foreach_mul_": (lambda slopes: lambda: torch._foreach_mul_(slopes, 0.5), 1, 1.0),
    "_foreach_add_": (lambda weights, slopes: lambda: torch._foreach_add_(weights, slopes), 2, 1.0),
}
"""Each operator: what makes a call of it, lists of tensors that it takes, operations on each number."""
