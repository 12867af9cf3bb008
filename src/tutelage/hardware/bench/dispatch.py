"""What calls cost when there is next to nothing to compute: in Python, in torch's dispatcher and in its autograd.

Small networks spend most of their time on this; operators of 16 numbers each show it alone.
"""

from collections.abc import Callable, Iterator
from typing import Literal

import torch
from torch import Tensor, nn

from tutelage.hardware.bench.base import Benchmark, Case, Phase, Prepared

__all__ = ["Dispatch"]

LENGTH = 100
"""Calls in a row."""
NUMBERS = 16


class Dispatch(Benchmark):
    """The price of a call, forward and backward."""

    kind: Literal["dispatch"] = "dispatch"

    def cases(self, device: torch.device) -> Iterator[Case]:
        """Yield chains of calls."""
        x = torch.ones(NUMBERS, device=device)
        learned = torch.ones(NUMBERS, device=device, requires_grad=True)
        layers = nn.ModuleList([nn.Identity() for _ in range(LENGTH)])

        def through_layers(value: Tensor) -> Tensor:
            for layer in layers:
                value = layer(value)
            return value

        multiply = torch.ops.aten.mul.Tensor
        yield _chain("call_operator", lambda: _repeat(x, lambda value: multiply(value, x)))
        yield _chain("call", lambda: _repeat(x, lambda value: value * x))
        yield _chain("call_learning", lambda: _repeat(learned, lambda value: value * x))
        yield _chain("call_view", lambda: _repeat(x, lambda value: value.view(NUMBERS)))
        yield _chain("call_view_learning", lambda: _repeat(learned, lambda value: value.view(NUMBERS)))
        yield _chain("call_module", lambda: through_layers(x))
        yield _chain("call_autocast", lambda: _cast(learned, x), category="dispatch")
        yield _backward("call_backward", lambda: _repeat(learned, lambda value: value * x), into=learned)
        yield _backward("call_view_backward", lambda: _repeat(learned, lambda value: value.view(NUMBERS)), into=learned)
        yield _accumulate(device)


def _repeat(value: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """Call again and again with what came out."""
    for _ in range(LENGTH):
        value = change(value)
    return value


def _cast(learned: Tensor, x: Tensor) -> Tensor:
    """Do as `call_learning` while torch looks for what it may compute in low precision."""
    with torch.autocast(x.device.type, dtype=torch.bfloat16):
        return _repeat(learned, lambda value: value * x)


def _chain(op: str, run: Callable[[], object], *, category: str = "dispatch") -> Case:
    return Case(op, category, "float32", f"{LENGTH} calls", 0.0, lambda: Prepared(run, 0.0), calls=LENGTH, is_learning=True)


def _backward(op: str, forward: Callable[[], Tensor], *, into: Tensor) -> Case:
    """Return the way back alone."""
    phase: Phase = "backward"

    def make() -> Prepared:
        made = forward()
        slope = torch.ones_like(made)
        return Prepared(lambda: torch.autograd.grad(made, into, slope, retain_graph=True), 0.0)

    return Case(op, "dispatch", "float32", f"{LENGTH} calls", 0.0, make, phase=phase, calls=LENGTH, is_learning=True)


def _accumulate(device: torch.device) -> Case:
    """Return what it takes to leave a gradient in a parameter."""

    def make() -> Prepared:
        learned = [torch.ones(NUMBERS, device=device, requires_grad=True) for _ in range(LENGTH)]
        made = torch.stack(learned).sum()

        def run() -> None:
            torch.autograd.backward(made, retain_graph=True)
            for each in learned:
                each.grad = None

        return Prepared(run, 0.0)

    return Case(
        "call_accumulate",
        "dispatch",
        "float32",
        f"{LENGTH} parameters",
        0.0,
        make,
        phase="backward",
        calls=LENGTH,
        is_learning=True,
    )
