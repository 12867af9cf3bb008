"""Operators that change each number by itself: sums, products, activations and their gradients, random numbers."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import torch
from torch import Tensor

from tutelage.hardware.bench.base import Benchmark, Case, Phase, base_name, called, dtypes_of, name_of

__all__ = ["Elementwise"]

COUNTS = {"cpu": (64, 16_384, 262_144, 4_194_304), "cuda": (64, 65_536, 1_048_576, 16_777_216, 134_217_728)}
"""Numbers in a tensor."""
DRAWN = 4096
HALF = ("add.Tensor", "mul.Tensor", "relu", "threshold_backward", "gelu", "gelu_backward", "silu", "silu_backward")
"""Those that occur between matrix products, and so in low precision too."""

Words = Callable[[Tensor, Tensor], list[Any]]
"""From two tensors of random numbers to the words of an operator."""

FORWARD: dict[str, Words] = {
    "add.Tensor": lambda x, y: [x, y],
    "mul_.Tensor": lambda x, y: [x, y],
    "sub.Tensor": lambda x, y: [x, y],
    "add_.Tensor": lambda x, y: [x, y],
    "mul.Tensor": lambda x, y: [x, y],
    "mul.Scalar": lambda x, _: [x, 0.5],
    "div.Tensor": lambda x, y: [x, y],
    "relu": lambda x, _: [x],
    "gelu": lambda x, _: [x],
    "silu": lambda x, _: [x],
    "tanh": lambda x, _: [x],
    "sigmoid": lambda x, _: [x],
    "exp": lambda x, _: [x],
    "log": lambda x, y: [y],
    "sin": lambda x, _: [x],
    "sqrt": lambda x, y: [y],
    "softplus": lambda x, _: [x],
    "leaky_relu": lambda x, _: [x, 0.2],
    "pow.Tensor_Scalar": lambda x, _: [x, 2],
    "where.self": lambda x, y: [x > 0, x, y],
    "gt.Scalar": lambda x, _: [x, 0.0],
    "masked_fill.Scalar": lambda x, _: [x, x > 0, 0.0],
    "native_dropout": lambda x, _: [x, 0.1, True],
    "bernoulli_.float": lambda x, _: [x.clone(), 0.9],
    "normal_": lambda x, _: [x.clone()],
    "uniform_": lambda x, _: [x.clone()],
    "zero_": lambda x, _: [x.clone()],
}
SPREAD_OUT: dict[str, Words] = {
    # One number for 64, and rows and columns changed over: as masks, biases and heads of attention have them.
    "add.Tensor": lambda x, y: [_folded(x), _folded(y)[:, :1]],
    "mul.Tensor": lambda x, y: [_folded(x), _folded(y)[:, :1]],
    "sub.Tensor": lambda x, y: [_folded(x), _folded(y)[:1]],
    "div.Tensor": lambda x, y: [_folded(x).t(), y[0]],
    "masked_fill.Scalar": lambda x, _: [_folded(x), _folded(x)[:, :1] > 0, 0.0],
}
BACKWARD: dict[str, Words] = {
    "threshold_backward": lambda x, y: [y, x, 0],
    "gelu_backward": lambda x, y: [y, x],
    "silu_backward": lambda x, y: [y, x],
    "tanh_backward": lambda x, y: [y, x],
    "sigmoid_backward": lambda x, y: [y, x],
    "leaky_relu_backward": lambda x, y: [y, x, 0.2, False],
    "native_dropout_backward": lambda x, y: [y, x > 0, 1.1],
}


class Elementwise(Benchmark):
    """What memory decides on, or the cost of a call where there are few numbers."""

    kind: Literal["elementwise"] = "elementwise"

    def cases(self, device: torch.device) -> Iterator[Case]:
        """Yield each operator at several sizes."""
        for dtype in dtypes_of(device):
            for count in COUNTS[device.type]:
                for phase, table in _TABLES:
                    for op, words in table.items():
                        if dtype == torch.float32 or op in HALF:
                            yield _case(op, words, count, phase=phase, place=(device, dtype))


_TABLES: tuple[tuple[Phase, dict[str, Words]], ...] = (("forward", FORWARD), ("forward", SPREAD_OUT), ("backward", BACKWARD))


def _folded(numbers: Tensor) -> Tensor:
    """Return rows of 64."""
    return numbers.view(-1, 64)


def _case(op: str, words: Words, count: int, *, phase: Phase, place: tuple[torch.device, torch.dtype]) -> Case:
    """Return one operator on so many numbers."""
    device, dtype = place

    def numbers() -> Tensor:
        # Few different numbers, again and again: drawing millions takes longer than what is measured.
        drawn: Tensor = torch.randn(min(count, DRAWN), device=device).repeat(-(-count // DRAWN))[:count].to(dtype)
        return drawn

    return Case(
        base_name(op),
        "elementwise",
        name_of(dtype),
        f"{count:,} numbers",
        float(count),
        lambda: called(op, *words(numbers(), numbers().abs() + 0.1)),
        phase=phase,
    )
