"""Updates of the weights by torch's fused kernels, for a few small tensors and for many large ones."""

from collections.abc import Iterator
from typing import Any, Literal

import torch

from tutelage.hardware.bench.base import Benchmark, Case, Prepared, base_name, bytes_of

__all__ = ["Optimizer"]

SETS = ((6, 64), (6, 4096), (40, 4096), (20, 65_536), (4, 1_048_576), (12, 1_048_576))
"""Tensors, and the numbers in each."""


class Optimizer(Benchmark):
    """Adam, SGD with momentum, and the lists of tensors that gradients are clipped by."""

    kind: Literal["optimizer"] = "optimizer"

    def cases(self, device: torch.device) -> Iterator[Case]:
        """Yield updates of sets of tensors."""
        for count, numbers in SETS:

            def tensors(lists: int, count: int = count, numbers: int = numbers) -> list[list[torch.Tensor]]:
                return [[torch.zeros(numbers, device=device) for _ in range(count)] for _ in range(lists)]

            def adam(tensors: Any = tensors, count: int = count) -> Prepared:
                weights, slopes, mean, square = tensors(4)
                steps = [torch.ones((), device=device) for _ in range(count)]
                setting = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "weight_decay": 0.01, "eps": 1e-8}
                words = {**setting, "amsgrad": False, "maximize": False}
                run = lambda: torch._fused_adamw_(weights, slopes, mean, square, [], steps, **words)  # noqa: E731
                return Prepared(run, bytes_of([weights, slopes, mean, square]))

            def sgd(tensors: Any = tensors) -> Prepared:
                weights, slopes, moments = tensors(3)
                words = {"weight_decay": 5e-4, "momentum": 0.9, "lr": 1e-2, "dampening": 0.0}
                words |= {"nesterov": True, "maximize": False, "is_first_step": False}
                run = lambda: torch._fused_sgd_(weights, slopes, moments, **words)  # noqa: E731
                return Prepared(run, bytes_of([weights, slopes, moments]))

            def norm(tensors: Any = tensors) -> Prepared:
                (slopes,) = tensors(1)
                return Prepared(lambda: torch._foreach_norm(slopes), bytes_of(slopes))

            def scale(tensors: Any = tensors) -> Prepared:
                (slopes,) = tensors(1)
                return Prepared(lambda: torch._foreach_mul_(slopes, 0.5), bytes_of(slopes))

            def add(tensors: Any = tensors) -> Prepared:
                summands = tensors(2)
                return Prepared(lambda: torch._foreach_add_(*summands), bytes_of(summands))

            shown, total = f"{count} tensors of {numbers:,}", float(count * numbers)
            for op, make, flops in (
                ("_fused_adamw_", adam, 15 * total),
                ("_fused_sgd_", sgd, 6 * total),
                ("_foreach_norm.Scalar", norm, 2 * total),
                ("_foreach_mul_.Scalar", scale, total),
                ("_foreach_add_.List", add, total),
            ):
                yield Case(base_name(op), "optimizer", "float32", shown, flops, make, phase="update")
